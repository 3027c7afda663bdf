# One question to the platform's own daemon, over its socket, which the user of these pages alone may open.
package Lemonldap::NG::Portal::Lib::Malleposte;

use strict;
use warnings;
use IO::Socket::UNIX;
use JSON qw(decode_json encode_json);
use Encode qw(decode_utf8);
use Mouse::Role;

our $VERSION = '1.0';

requires 'conf';

# Seconds for an answer: accountd answers at steps of half a second, and may have a queue.
use constant PATIENCE => 30;

# What the daemon answers, a hash. Dies without an answer. The agent's address goes with every question.
sub ask {
    my ( $self, $path, $req, %told ) = @_;
    my $socket = $self->conf->{customAddParams}->{proveSocket};
    for my $name ( keys %told ) {
        $told{$name} = _text( $told{$name} ) unless ref $told{$name};
    }
    my $body   = encode_json( { %told, address => $req->address } );
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

# A parameter of a form as characters: it may come as the bytes of UTF-8.
sub _text {
    my ($given) = @_;
    $given //= '';
    return utf8::is_utf8($given) ? "$given" : decode_utf8( "$given", Encode::FB_DEFAULT );
}

1;
