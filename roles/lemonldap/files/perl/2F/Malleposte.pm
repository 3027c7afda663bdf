# A code that the platform knows itself, and not this software: one of an agent's recovery codes, one from the desk, or
# one that is mailed to the recovery address. The last is no usual factor: it only replaces a lost one.
package Lemonldap::NG::Portal::2F::Malleposte;

use strict;
use warnings;
use Mouse;
use Lemonldap::NG::Portal::Main::Constants qw(
  PE_OK
  PE_WAIT
  PE_ERROR
  PE_BADOTP
  PE_RETRY_2FA
);

our $VERSION = '1.0';

extends 'Lemonldap::NG::Portal::Lib::Code2F';
with 'Lemonldap::NG::Portal::Lib::Malleposte';

has prefix    => ( is => 'rw', default => 'secours' );
has conf_type => ( is => 'ro', default => 'malleposte' );
has legend    => ( is => 'rw', default => 'malleposteEnterCode' );

# accountd's word for the codes of a factor, by its name in the configuration.
use constant KINDS => { secours => 'recovery', bureau => 'ina', courriel => 'mail' };
use constant MAILED => 'courriel';

# Whoever must have a factor goes to the desk; whoever has none needs no other.
use constant MAY_BE_WITHOUT => qr/\A(?:optional|offered)\z/;

sub _may_mail {
    my ( $session ) = @_;
    return ( ( $session->{secondFactor} // '' ) =~ MAY_BE_WITHOUT and ( $session->{_2fDevices} // '' ) =~ /"type"/ );
}

# The agent has it already, or it goes to the recovery address. Whether there is one is told to nobody.
sub sendCode {
    my ( $self, $req, $session ) = @_;
    return 1 unless $self->prefix eq MAILED;
    return 0 unless _may_mail($session);

    # After a wrong code the page comes again, and the code that is there stays good.
    return 1 if ( $req->error // 0 ) == PE_RETRY_2FA;
    my $told = eval { $self->ask( '/mail', $req, user => $session->{ $self->conf->{whatToTrace} } ) };
    if ($@) {
        $self->logger->error( $self->prefix . ": $@" );
        return 0;
    }
    return defined $told->{uid} ? 1 : 0;
}

# The page offers a mailed code to those who may have one.
sub sendCodeForm {
    my ( $self, $req, %params ) = @_;
    return $self->SUPER::sendCodeForm( $req, %params, MAY_MAIL => _may_mail( $req->sessionInfo ) ? 1 : 0 );
}

# Proved and spent in one act, with the delays of wrong passwords.
sub verify_external {
    my ( $self, $req, $session, $code ) = @_;
    return PE_BADOTP if $self->prefix eq MAILED and not _may_mail($session);
    my $told = eval {
        $self->ask(
            '/spend', $req,
            user => $session->{ $self->conf->{whatToTrace} },
            kind => KINDS->{ $self->prefix },
            code => $code,
        );
    };
    if ($@) {
        $self->logger->error( $self->prefix . ": $@" );
        return PE_ERROR;
    }
    return PE_OK if defined $told->{uid} and length $told->{uid};
    if ( $told->{wait} ) {
        $req->lockTime( int $told->{wait} );
        return PE_WAIT;
    }
    return PE_BADOTP;
}

1;
