# SPDX-License-Identifier: GPL-3.0-or-later
# The processes of the pages and of the tokens: one that nobody asked for a while ends, and gives its memory back. The manager begins
# another at once, which shares with it what it has loaded, and is configured at its first page.
package Lemonldap::NG::Portal::Lib::Workers;

use strict;
use warnings;
use parent 'FCGI::ProcManager';

our $VERSION = '1';

# Seconds without a request.
sub rest { return 600 }

# The signal interrupts the wait for a request, after which the process leaves its loop.
sub handling_init {
    my ($self) = @_;
    $SIG{ALRM} = sub { };
    return $self->SUPER::handling_init();
}

sub pm_pre_dispatch {
    my ($self) = @_;
    alarm 0;
    return $self->SUPER::pm_pre_dispatch();
}

sub pm_post_dispatch {
    my ($self) = @_;
    $self->SUPER::pm_post_dispatch();
    alarm $self->rest;
    return;
}

1;
