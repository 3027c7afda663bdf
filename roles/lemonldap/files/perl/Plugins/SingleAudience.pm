# SPDX-License-Identifier: GPL-3.0-or-later
# Access tokens name their audience by one text instead of a list of one (RFC 7519, 4.1.3 allows both). Dovecot 2.4.1 reads
# beyond its memory where a claim of a proved token is a list (oauth2_jwt_copy_fields), and its auth process dies of that.
package Lemonldap::NG::Portal::Plugins::SingleAudience;

use strict;
use warnings;
use Mouse;
use Lemonldap::NG::Portal::Main::Constants qw(PE_OK);

our $VERSION = '1';

extends 'Lemonldap::NG::Portal::Main::Plugin';

use constant hook => { oidcGenerateAccessToken => 'single' };

sub init { return 1 }

sub single {
    my ( $self, $req, $payload, $rp ) = @_;
    my $audience = $payload->{aud};
    $payload->{aud} = $audience->[0] if ref $audience eq 'ARRAY' and @{$audience} == 1;
    return PE_OK;
}

1;
