# A code that the platform knows itself, and not this software: one of an agent's recovery codes, or one from the desk.
package Lemonldap::NG::Portal::2F::Malleposte;

use strict;
use warnings;
use Mouse;
use Lemonldap::NG::Portal::Main::Constants qw(
  PE_OK
  PE_WAIT
  PE_ERROR
  PE_BADOTP
);

our $VERSION = '1.0';

extends 'Lemonldap::NG::Portal::Lib::Code2F';
with 'Lemonldap::NG::Portal::Lib::Malleposte';

has prefix    => ( is => 'rw', default => 'secours' );
has conf_type => ( is => 'ro', default => 'malleposte' );
has legend    => ( is => 'rw', default => 'malleposteEnterCode' );

# accountd's word for the codes of a factor, by its name in the configuration.
use constant KINDS => { secours => 'recovery', bureau => 'ina' };

# The agent has it already.
sub sendCode { return 1; }

# Proved and spent in one act, with the delays of wrong passwords.
sub verify_external {
    my ( $self, $req, $session, $code ) = @_;
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
