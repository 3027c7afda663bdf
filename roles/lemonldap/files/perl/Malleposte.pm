# Proves passwords by the platform's own daemon, with the agent's address: delays, states and the end of a password
# are decided there, for every service alike. Nothing is kept here, and nobody is locked out here.
package Lemonldap::NG::Portal::Auth::Malleposte;

use strict;
use warnings;
use IO::Socket::UNIX;
use JSON qw(decode_json encode_json);
use Encode qw(decode_utf8);
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

# Seconds for an answer: accountd answers at steps of half a second, and may have a queue.
use constant PATIENCE => 30;

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

# One question over the daemon's socket, which this user alone may open. Dies without an answer.
sub prove {
    my ( $self, $req ) = @_;
    my $path = $self->conf->{customAddParams}->{proveSocket};
    my $body = encode_json(
        {
            user     => _text( $req->user ),
            password => _text( $req->data->{password} ),
            address  => $req->address,
        }
    );
    my $answer = '';
    my $status = eval {
        local $SIG{ALRM} = sub { die "no answer in " . PATIENCE . " s\n" };
        alarm PATIENCE;
        my $link = IO::Socket::UNIX->new( Peer => $path ) or die "$path: $!\n";
        print {$link} "POST /prove HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
          . 'Content-Length: '
          . length($body)
          . "\r\nConnection: close\r\n\r\n$body";
        $link->flush;
        local $/ = undef;
        $answer = <$link> // '';
        alarm 0;
        1;
    };
    my $fault = $@;
    alarm 0;
    die $fault unless $status;
    my ( $code, $sent ) = $answer =~ m{\AHTTP/1\.1 (\d{3}) .*?\r\n\r\n(.*)\z}s or die "no answer\n";
    die "status $code\n" unless $code == 200;
    my $told = decode_json($sent);
    die "no object\n" unless ref $told eq 'HASH';
    return $told;
}

# A parameter of a form as characters: it may come as the bytes of UTF-8.
sub _text {
    my ($given) = @_;
    return utf8::is_utf8($given) ? "$given" : decode_utf8( "$given", Encode::FB_DEFAULT );
}

1;
