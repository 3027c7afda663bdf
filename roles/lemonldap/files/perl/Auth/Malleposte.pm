# Proves passwords by the platform's own daemon, with the agent's address: delays, states and the end of a password
# are decided there, for every service alike. Nothing is kept here, and nobody is locked out here.
package Lemonldap::NG::Portal::Auth::Malleposte;

use strict;
use warnings;
use Mouse;
use Lemonldap::NG::Portal::Main::Constants qw(
  PE_OK
  PE_WAIT
  PE_ERROR
  PE_BADCREDENTIALS
  PE_SENDRESPONSE
);

our $VERSION = '1.0';

extends 'Lemonldap::NG::Portal::Auth::_WebForm';
with 'Lemonldap::NG::Portal::Lib::Malleposte';

# The portal looks the agent up right after this, before `authenticate`. So the password is proved here: whatever name
# was typed, the look-up goes by the uid of whoever has proved to be the owner, and an unknown name is answered by
# accountd, in its own time.
sub extractFormInfo {
    my ( $self, $req ) = @_;
    my $res = $self->SUPER::extractFormInfo($req);
    return $res unless $res == PE_OK;

    my $told = eval { $self->prove($req) };
    if ($@) {
        $self->logger->error("prove: $@");
        $self->setSecurity($req);
        return PE_ERROR;
    }
    if ( defined $told->{uid} and length $told->{uid} ) {
        $req->user( $told->{uid} );
        $req->data->{malleposteProved} = $told->{uid};
        return PE_OK;
    }
    $self->setSecurity($req);
    if ( $told->{wait} ) {
        $req->lockTime( int $told->{wait} );
        return PE_WAIT;
    }
    if ( $told->{renew} ) {
        $req->response( [ 302, [ Location => $told->{renew}, $req->spliceHdrs ], [] ] );
        return PE_SENDRESPONSE;
    }
    $self->userLogger->warn( 'Password not recognised (' . $req->address . ')' );
    return PE_BADCREDENTIALS;
}

sub authenticate {
    my ( $self, $req ) = @_;
    my $proved = $req->data->{malleposteProved};
    return ( defined $proved and $proved eq $req->user ) ? PE_OK : PE_BADCREDENTIALS;
}

sub setAuthSessionInfo {
    my ( $self, $req ) = @_;
    $self->SUPER::setAuthSessionInfo($req);
    $req->sessionInfo->{authenticationLevel} = 2;
    return PE_OK;
}

sub authLogout { return PE_OK; }

# Dies without an answer.
sub prove {
    my ( $self, $req ) = @_;
    return $self->ask( '/prove', $req, user => $req->user, password => $req->data->{password} );
}

1;
