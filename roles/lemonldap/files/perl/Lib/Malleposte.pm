# One question to the platform's own daemon, over its socket, which the user of these pages alone may open.
package Lemonldap::NG::Portal::Lib::Malleposte;

use strict;
use warnings;
use Crypt::URandom;
use Digest::SHA qw(sha256_hex);
use IO::Socket::UNIX;
use JSON qw(decode_json encode_json);
use Encode qw(decode_utf8);
use Mouse::Role;

our $VERSION = '1.0';

requires 'conf';

# Seconds for an answer: accountd answers at steps of half a second, and may have a queue.
use constant PATIENCE => 30;

# The cookie by which browsers are told apart, and days that it lasts (browsers allow no more). It proves nothing: an
# agent's browser that has logged in before does not wait for what others guess behind the same address.
use constant BROWSER      => '__Host-browser';
use constant BROWSER_DAYS => 400;

# What the daemon answers, a hash. Dies without an answer. The agent's address and browser go with every question.
sub ask {
    my ( $self, $path, $req, %told ) = @_;
    my $socket = $self->conf->{customAddParams}->{proveSocket};
    for my $name ( keys %told ) {
        $told{$name} = _text( $told{$name} ) unless ref $told{$name};
    }
    my $body   = encode_json( { %told, address => $req->address, browser => _browser_digest($req) } );
    my $answer = '';
    my $status = eval {
        local $SIG{ALRM} = sub { die "no answer in " . PATIENCE . " s\n" };
        alarm PATIENCE;
        my $link = IO::Socket::UNIX->new( Peer => $socket ) or die "$socket: $!\n";
        print {$link} "POST $path HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
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
    my $heard = decode_json($sent);
    die "no object\n" unless ref $heard eq 'HASH';
    return $heard;
}

# Give the browser its cookie, unless it has one. Only where a page is fetched: with what another site's form sends here no
# cookie of ours comes along, and the one that is there must stay.
sub mark_browser {
    my ( $self, $req ) = @_;
    return if $req->method ne 'GET' or length _mark($req);
    $req->addCookie(
        $self->p->cookie(
            name     => BROWSER,
            value    => unpack( 'H*', Crypt::URandom::urandom(16) ),
            max_age  => BROWSER_DAYS * 86_400,
            secure   => 1,
            HttpOnly => 1,
            SameSite => 'Lax',
        )
    );
    return;
}

sub _mark {
    my ($req) = @_;
    my $held = $req->cookies->{ +BROWSER } // '';
    return $held =~ /\A[0-9a-f]{32}\z/ ? $held : '';
}

# Nobody but the browser has the cookie itself.
sub _browser_digest {
    my ($req) = @_;
    my $held = _mark($req);
    return length $held ? substr( sha256_hex($held), 0, 32 ) : '';
}

# A parameter of a form as characters: it may come as the bytes of UTF-8.
sub _text {
    my ($given) = @_;
    $given //= '';
    return utf8::is_utf8($given) ? "$given" : decode_utf8( "$given", Encode::FB_DEFAULT );
}

1;
