# SPDX-License-Identifier: GPL-3.0-or-later
# Requests of services for a log-in. Anybody can write such an address and have an agent follow it: it must ask for nothing that
# the browser cannot give, leave nothing behind, and fill no store.
package Lemonldap::NG::Portal::Plugins::Requests;

use strict;
use warnings;
use Mouse;
use Lemonldap::NG::Portal::Main::Issuer;
use Lemonldap::NG::Portal::Main::Constants qw(PE_OK PE_ERROR);

our $VERSION = '1';

extends 'Lemonldap::NG::Portal::Main::Plugin';

use constant hook => { oidcGotRequest => 'asked' };

# No service of the platform sends these. They are voluntary for a provider (OpenID Connect Core 1.0, 3.1.2.1), and would lead
# an agent to a factor that she has not, or to her password again and again.
use constant IGNORED => qw(acr_values max_age);

# Requests in a token, which may say all of the above once more (6.1, 6.2).
use constant REFUSED => qw(request request_uri);

use constant CHALLENGE => 'S256';

# What is kept of a request while its agent logs in, with what its body is read by. Its headers are those of the browser that
# comes back.
use constant KEPT => qw(REQUEST_METHOD REQUEST_URI PATH_INFO SCRIPT_NAME CONTENT_TYPE CONTENT_LENGTH);
use constant READ => qw(psgi.input psgix.input.buffered);

# A process wraps the methods once, however often it reads its configuration.
my $wrapped;

sub init {
    my ($self) = @_;
    return 1 if $wrapped++;
    my $issuer = Lemonldap::NG::Portal::Main::Issuer->meta;
    $issuer->add_before_method_modifier( $_ => \&_begun ) for qw(_redirect _forAuthUser);
    $issuer->add_around_method_modifier( storeRequest   => \&_stored );
    $issuer->add_around_method_modifier( restoreRequest => \&_restored );
    return 1;
}

sub asked {
    my ( $self, $req, $asked ) = @_;
    delete @{$asked}{ +IGNORED };
    return PE_ERROR if grep { length( $asked->{$_} // '' ) } REFUSED;
    return PE_OK unless length( $asked->{code_challenge} // '' );
    return ( $asked->{code_challenge_method} // '' ) eq CHALLENGE ? PE_OK : PE_ERROR;
}

# The software goes back to the first service that led a browser here, or that it could not satisfy. In a second tab an agent would
# come to what the first had asked for, and after such a request to its refusal. An address that names a service counts instead.
sub _begun {
    my ( $issuer, $req ) = @_;
    return unless ( $req->env->{QUERY_STRING} // '' ) =~ /(?:\A|&)client_id=/;
    $issuer->cleanPdata($req);
    delete $req->pdata->{targetAuthnLevel};
    return;
}

sub _stored {
    my ( $original, $issuer, $req ) = @_;
    my $env = $req->env;
    local $req->{env} = { map { $_ => $env->{$_} } grep { exists $env->{$_} } KEPT, READ };
    return $issuer->$original($req);
}

sub _restored {
    my ( $original, $issuer, $req, $token ) = @_;
    my %present = %{ $req->env };
    my $found   = $issuer->$original( $req, $token );
    return $found unless $found and not exists $req->env->{QUERY_STRING};
    my $env = $req->env;
    ( $env->{QUERY_STRING} ) = ( $env->{REQUEST_URI} // '' ) =~ /[?](.*)\z/s;
    $env->{QUERY_STRING} //= '';
    for my $name ( grep { /\A(?:HTTPS?\z|HTTP_|REMOTE_|SERVER_|UNIQUE_ID|psgi[.](?!input))/ } keys %present ) {
        $env->{$name} = $present{$name} unless exists $env->{$name};
    }
    return $found;
}

1;
