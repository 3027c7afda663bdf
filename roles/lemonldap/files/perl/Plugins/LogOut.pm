# SPDX-License-Identifier: GPL-3.0-or-later
# A log-out is done though a service that is told of it gives no answer: the software would show an error in the place of
# the page to which the browser is to go back. It has written the failure down, and the service's tokens end in minutes.
#
# A log-in that root ends in the store is told here too, by the software's own code: it holds the key, and may reach the
# services. Root names each service that the log-in had opened, and is answered the names of those that were not told.
package Lemonldap::NG::Portal::Plugins::LogOut;

use strict;
use warnings;
use JSON qw(from_json);
use Mouse;
use Lemonldap::NG::Portal::Issuer::OpenIDConnect;
use Lemonldap::NG::Portal::Main::Constants qw(PE_OK PE_SLO_ERROR);

our $VERSION = '1';

extends 'Lemonldap::NG::Portal::Main::Plugin';

use constant ISSUER => 'Lemonldap::NG::Portal::Issuer::OpenIDConnect';

# A parameter of FastCGI that no client of the web front can send: its headers all begin with HTTP_.
use constant WITHIN => 'MALLEPOSTE_WITHIN';

# A process wraps the method once, however often it reads its configuration.
my $wrapped;

# Set while the log-in page is to know of a service that gives no answer.
my $counts = 0;

sub init {
    my ($self) = @_;
    ISSUER->meta->add_around_method_modifier( logout => \&_told ) unless $wrapped++;
    $self->addUnauthRoute( _ended => 'ended', ['POST'] );
    return 1;
}

sub _told {
    my ( $told, @words ) = @_;
    my $code = $told->(@words);
    return $code == PE_SLO_ERROR && !$counts ? PE_OK : $code;
}

# A service that gives no answer is not asked again: each question takes seconds, for which root waits.
sub ended {
    my ( $self, $req ) = @_;
    return $self->p->sendError( $req, 'Not found', 404 ) unless $req->env->{ +WITHIN };
    my $opened = eval { from_json( $req->content ) };
    return $self->p->sendError( $req, 'Bad request', 400 ) unless ref $opened eq 'ARRAY';
    my %silent;
    for my $one ( @{$opened} ) {
        next if $silent{ $one->{client} };
        $silent{ $one->{client} } = 1 unless $self->_tell( $req, $one );
    }
    $req->userData( {} );
    return $self->p->sendJSONresponse( $req, { untold => [ sort keys %silent ] } );
}

# The session is gone: what the software's own log-out reads of it is what root names.
sub _tell {
    my ( $self, $req, $one ) = @_;
    my %session = ( uid => $one->{uid}, _oidc_sid => $one->{sid}, _oidcConnectedRPIDs => $one->{client} );
    $req->userData( \%session );
    $req->sessionInfo( \%session );
    local $@;
    $counts = 1;
    my $code = eval { $self->p->loadedModules->{ +ISSUER }->logout($req) };
    $self->logger->error("a log-out was not told: $@") if $@;
    $counts = 0;
    return defined $code && $code == PE_OK;
}

1;
