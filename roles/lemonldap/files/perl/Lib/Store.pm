# SPDX-License-Identifier: GPL-3.0-or-later
# Where sessions are kept: the software's own Valkey module, in which no record had an end. Here each has the software's own:
# what would be thought too old (`_utime` and the configured `timeout`) is gone by then. Second factors have none.
#
# Open forms and begun requests (TOKEN), which a stranger makes by asking for a page, lie in a server of their own.
package Lemonldap::NG::Portal::Lib::Store;

use strict;
use warnings;
use parent 'Apache::Session::Browseable::Redis';

our $VERSION = '1';

use constant FORM    => 'TOKEN';
use constant ENDLESS => 'Persistent';

# By this the software looks for the agent of a passkey, and goes on where one record alone has it. Each log-in holds a copy.
use constant HANDLE => '_webAuthnUserHandle';

# The software calls it as a method of a class of its own.
sub populate {
    my ($session) = @_;
    Apache::Session::Browseable::Redis::populate($session);
    $session->{object_store} = Lemonldap::NG::Portal::Lib::Store::Records->new($session);
    return $session;
}

# The hourly purge. Records end by themselves, and those of an earlier release are given their end; what indexes still name goes.
sub deleteIfLowerThan {
    my ( $class, $args ) = @_;
    my $server = $class->_getRedis($args);
    $class->get_key_from_all_sessions(
        $args,
        sub {
            my ( $record, $id ) = @_;
            my ($end) = ends( $args, $record );
            $server->expireat( $id, $end, 'NX' ) if $end;
            return;
        }
    );
    my ( $cursor, $keys ) = (0);
    do {
        ( $cursor, $keys ) = $server->scan( $cursor, COUNT => 1000, TYPE => 'set' );
        $class->_prune( $args, $server, $_ ) for @{$keys};
    } while $cursor;
    return ( 1, 0 );
}

# When a record is too old, in seconds since 1970; nothing of what has no end.
sub ends {
    my ( $args, $record ) = @_;
    return if ( $record->{_session_kind} // '' ) eq ENDLESS;
    return int( ( $record->{_utime} || time ) + $args->{Lasts} );
}

sub _prune {
    my ( $class, $args, $server, $set ) = @_;
    return $server->unlink($set) unless grep { index( $set, "${_}_" ) == 0 } split / /, $args->{Index};
    my @gone = grep { !$server->exists($_) } $server->smembers($set);
    return @gone ? $server->srem( $set, @gone ) : 0;
}

package Lemonldap::NG::Portal::Lib::Store::Records;

use strict;
use warnings;
use Apache::Session::Browseable::Store::Redis;
use parent -norequire, 'Apache::Session::Browseable::Store::Redis';

sub new {
    my ( $class, $session ) = @_;
    my $self = $class->SUPER::new($session);
    $self->{args} = $session->{args};
    return $self;
}

sub insert {
    my ( $self, $session ) = @_;
    my $data = $session->{data};

    # Begun, and not yet anything: the first change says what it is.
    my $kind = $data->{_session_kind} or return;
    my $id   = $data->{_session_id};
    my @ends = map { ( EXAT => $_ ) } Lemonldap::NG::Portal::Lib::Store::ends( $self->{args}, $data );
    return $self->_forms->set( $id, $session->{serialized}, @ends ) if $kind eq Lemonldap::NG::Portal::Lib::Store::FORM;
    $self->{cache}->set( $id, $session->{serialized}, @ends );
    for my $index ( split / /, $self->{args}->{Index} ) {
        next
          if $index eq Lemonldap::NG::Portal::Lib::Store::HANDLE
          and $kind ne Lemonldap::NG::Portal::Lib::Store::ENDLESS;
        my $value = $data->{$index};
        $self->{cache}->sadd( "${index}_$value", $id ) if defined $value and length $value;
    }
    return;
}

*update = \&insert;

sub materialize {
    my ( $self, $session ) = @_;
    my $id = $session->{data}->{_session_id};
    $session->{serialized} = $self->{cache}->get($id) // $self->_forms->get($id)
      // die "Object does not exist in data store.\n";
    return;
}

sub remove {
    my ( $self, $session ) = @_;
    my $data = $session->{data};
    return $self->_forms->del( $data->{_session_id} )
      if ( $data->{_session_kind} // '' ) eq Lemonldap::NG::Portal::Lib::Store::FORM;
    return $self->SUPER::remove($session);
}

sub _forms {
    my ($self) = @_;
    return $self->{forms} //= $Apache::Session::Browseable::Store::Redis::redis->new(
        sock => $self->{args}->{FormsSock},
        map { $_ => $self->{args}->{$_} } qw(username password reconnect)
    );
}

1;
