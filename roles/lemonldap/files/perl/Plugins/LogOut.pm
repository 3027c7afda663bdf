# SPDX-License-Identifier: GPL-3.0-or-later
# A log-out is done though a service that is told of it gives no answer: the software would show an error in the place of
# the page to which the browser is to go back. It has written the failure down, and the service's tokens end in minutes.
package Lemonldap::NG::Portal::Plugins::LogOut;

use strict;
use warnings;
use Mouse;
use Lemonldap::NG::Portal::Issuer::OpenIDConnect;
use Lemonldap::NG::Portal::Main::Constants qw(PE_OK PE_SLO_ERROR);

our $VERSION = '1';

extends 'Lemonldap::NG::Portal::Main::Plugin';

# A process wraps the method once, however often it reads its configuration.
my $wrapped;

sub init {
    Lemonldap::NG::Portal::Issuer::OpenIDConnect->meta->add_around_method_modifier( logout => \&_told ) unless $wrapped++;
    return 1;
}

sub _told {
    my ( $told, @words ) = @_;
    my $code = $told->(@words);
    return $code == PE_SLO_ERROR ? PE_OK : $code;
}

1;
