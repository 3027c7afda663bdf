# Second factors by the platform's rules: wrong codes wait as wrong passwords do, a code serves once, the agent is told
# of what changes, and whoever must have a factor enrols one with a code from the desk. It decides nothing: accountd is
# asked, and without its answer nobody goes on.
package Lemonldap::NG::Portal::Plugins::Malleposte;

use strict;
use warnings;
use JSON qw(from_json);
use Mouse;
use Lemonldap::NG::Portal::2F::Register::Base;
use Lemonldap::NG::Portal::Plugins::TrustedBrowser;
use Lemonldap::NG::Portal::Main::Constants qw(
  PE_OK
  PE_WAIT
  PE_ERROR
  PE_BADOTP
  PE_SENDRESPONSE
);

our $VERSION = '1.0';

extends 'Lemonldap::NG::Portal::Main::Plugin';
with 'Lemonldap::NG::Portal::Lib::Malleposte';

use constant hook => {
    sfBeforeVerify   => 'beforeCode',
    sfAfterVerify    => 'afterCode',
    sfRegisterDevice => 'registered',
};
use constant beforeAuth => 'choose';
use constant endAuth    => 'entered';

# Seconds after which a factor is offered again.
use constant OFFERED_AGAIN => 30 * 86_400;

# Characters of what a browser calls itself.
use constant LONGEST => 300;

# Factors whose codes this software checks itself; the platform's own module does the others.
use constant GUARDED => { totp => 1 };

# Codes that open the enrolment of a factor, and nothing else.
use constant ENROLS => { bureau => 1, courriel => 1 };

# The software lets nobody change factors who has not shown one as strong. Here it is lost: while the new one is enrolled
# the strongest level stands for it. The session that follows has the level of the new factor.
use constant STRONGEST => 5;

# The plugin of this process: a removal has no hook, so the method is wrapped, once.
my $current;

sub init {
    my ($self) = @_;
    $self->addAuthRoute( secours => 'codes', ['POST'] );
    unless ($current) {
        Lemonldap::NG::Portal::2F::Register::Base->meta->add_around_method_modifier( delete => \&_removed );
        my $trusted = Lemonldap::NG::Portal::Plugins::TrustedBrowser->meta;
        $trusted->add_around_method_modifier( storeBrowser => \&_visited );
        $trusted->add_before_method_modifier( newConnectionSession => \&_trusted );
    }
    $current = $self;
    return 1;
}

# Which of the two forms was sent says how somebody logs in, whatever an earlier page had begun. Every page of a log-in
# comes by here, so it is here that a browser gets its cookie.
sub choose {
    my ( $self, $req ) = @_;
    $self->mark_browser($req);
    if ( $req->param('credential') ) {
        $req->pdata->{_choice} = '2_cle';
    }
    elsif ( defined $req->param('user') ) {
        $req->pdata->{_choice} = '1_motdepasse';
    }
    return PE_OK;
}

sub _browser {
    my ($req) = @_;
    my $named = substr( $req->env->{HTTP_USER_AGENT} // '', 0, LONGEST );
    $named =~ s/[^\x20-\x7e]/ /g;
    return $named;
}

# How a log-in is shown to its owner, and by which digest of its cookie (`_browser_digest` of the role above) the browser is
# known again, so that the name that its owner gave it outlives the log-in.
sub _of_browser {
    my ($req) = @_;
    return ( _browser => _browser($req), _browserDigest => _browser_digest($req) );
}

# The same of a browser that is trusted, of which the software keeps none of it.
our $visit;

sub _visited {
    my ( $original, $module, $req ) = @_;
    local $visit = $req;
    return $module->$original($req);
}

sub _trusted {
    my ( $module, $info ) = @_;
    %$info = ( %$info, ipAddr => $visit->address, _of_browser($visit) ) if $visit and $info;
    return;
}

sub beforeCode {
    my ( $self, $req, $module, $session ) = @_;
    return PE_OK unless GUARDED->{ $module->prefix } and length( $req->param('code') // '' );
    my $told = $self->_asked( '/try', $req, $self->_code( $req, $module, $session ) ) or return PE_ERROR;
    return PE_OK if defined $told->{uid} and length $told->{uid};
    if ( $told->{wait} ) {
        $req->lockTime( int $told->{wait} );
        return PE_WAIT;
    }
    return PE_BADOTP;
}

sub afterCode {
    my ( $self, $req, $module, $session, $verdict ) = @_;
    my $right = $verdict->{result} == PE_OK;
    if ( GUARDED->{ $module->prefix } and length( $req->param('code') // '' ) ) {
        my %told = ( $self->_code( $req, $module, $session ), right => $right ? JSON::true : JSON::false );
        my $heard = $self->_asked( '/tried', $req, %told );
        return PE_ERROR unless $heard and defined $heard->{uid};
    }

    # Where one must wait, the page with the seconds is shown, and not the form again.
    $verdict->{retries} = 0 if $verdict->{result} == PE_WAIT;
    return PE_OK unless $right and ENROLS->{ $module->prefix };

    # The code opens the enrolment, and the enrolment the session.
    my $engine = $self->p->_sfEngine;
    $req->pdata->{sfRegToken} = $engine->regOtt->createToken( { %$session, authenticationLevel => STRONGEST } );
    $req->response( [ 302, [ Location => $self->p->buildUrl( $req->portal, '2fregisters' ) ], [] ] );
    return PE_SENDRESPONSE;
}

# What its owner cannot be told of is not enrolled.
sub registered {
    my ( $self, $req, $info, $device, $state ) = @_;
    my @kinds = ( ( map { $_->{type} } _devices($info) ), $device->{type} );
    my $told  = $self->_changed( $req, $info, $device, JSON::true, @kinds );
    return PE_ERROR unless $told and defined $told->{uid};

    # Whoever has just shown the factor need not show it again to make recovery codes.
    $self->p->updateSession( $req, { authenticationLevel => $state->{authenticationLevel} } )
      if $state->{authenticationLevel} and not $req->data->{sfRegRequired};
    return PE_OK;
}

sub _removed {
    my ( $original, $module, $req ) = @_;
    my $self = $current;
    my ( $info, $epoch ) = ( $req->userData, $req->param('epoch') // '' );
    my ($device) = grep { $_->{epoch} eq $epoch and $_->{type} eq $module->type } _devices($info);
    my @others = grep { not( $_->{epoch} eq $epoch and $_->{type} eq $module->type ) } _devices($info);
    return $self->p->sendError( $req, 'malleposteLastFactor', 400 )
      if ( $info->{secondFactor} // '' ) eq 'required' and not @others;
    my $answer = $module->$original($req);
    if ( $device and ref $answer eq 'ARRAY' and $answer->[0] == 200 ) {
        $self->_changed( $req, $info, $device, JSON::false, map { $_->{type} } @others );
    }
    return $answer;
}

# New recovery codes, shown once, to whoever has logged in by a factor.
sub codes {
    my ( $self, $req ) = @_;
    my $info = $req->userData;
    return [ 302, [ Location => $self->p->buildUrl( $req->portal, '2fregisters' ) ], [] ]
      unless _devices($info) and ( $info->{authenticationLevel} // 0 ) >= 4;
    my $told = $self->_asked( '/codes', $req, user => $info->{ $self->conf->{whatToTrace} } );
    return $self->p->sendError( $req, 'PE24', 503 ) unless $told and ref $told->{codes} eq 'ARRAY';
    return $self->p->sendHtml( $req, 'secours',
        params => { CODES => [ map { { CODE => $_ } } @{ $told->{codes} } ] } );
}

# A notice of a new place is worth a log-in less than the log-in: here nothing stops.
sub entered {
    my ( $self, $req ) = @_;
    my $info = $req->sessionInfo;
    my $user = $info->{ $self->conf->{whatToTrace} };

    # The software stores a session before it asks for a second factor: this one has come to its end, and its owner knows it by
    # its browser.
    $self->p->updateSession( $req, { _entered => time, _of_browser($req) } );
    $self->_asked( '/entered', $req, user => $user, how => $info->{_2f} || 'password' ) if $user;
    return $self->_offer($req);
}

# A page on the way, for whoever is to be asked and has no factor. It leads on: the session is open already. Programs
# that log in, such as the probe, are led by no page.
sub _offer {
    my ( $self, $req ) = @_;
    my $info = $req->sessionInfo;
    return PE_OK if ( $info->{secondFactor} // '' ) ne 'offered' or _devices($info);
    return PE_OK if ( $req->env->{HTTP_SEC_FETCH_MODE} // '' ) ne 'navigate';
    return PE_OK if time < ( $info->{_factorOffered} // 0 ) + OFFERED_AGAIN;
    $self->p->updatePersistentSession( $req, { _factorOffered => time } );
    my %params = ( LATER => $req->urldc || $req->portal );

    # The log-in is over, and what was kept for it goes, as it does at the end of every other.
    my %stays = map { $_ => 1 } 'keepPdata', @{ $req->pdata->{keepPdata} // [] };
    delete @{ $req->pdata }{ grep { !$stays{$_} } keys %{ $req->pdata } };
    $req->response( $self->p->sendHtml( $req, 'proposer', params => \%params ) );
    return PE_SENDRESPONSE;
}

sub _changed {
    my ( $self, $req, $info, $device, $added, @kinds ) = @_;
    my %seen = map { lc($_) => 1 } @kinds;
    return $self->_asked(
        '/changed', $req,
        user  => $info->{ $self->conf->{whatToTrace} },
        kind  => lc $device->{type},
        name  => $device->{name},
        added => $added,
        kinds  => [ sort keys %seen ],
        by     => '',
        reason => '',
    );
}

sub _code {
    my ( $self, $req, $module, $session ) = @_;
    return (
        user => $session->{ $self->conf->{whatToTrace} },
        kind => $module->prefix,
        code => scalar $req->param('code'),
    );
}

sub _asked {
    my ( $self, $path, $req, %told ) = @_;
    my $heard = eval { $self->ask( $path, $req, %told ) };
    $self->logger->error("second factors: $path: $@") if $@;
    return $heard;
}

sub _devices {
    my ($info) = @_;
    my $held = eval { from_json( $info->{_2fDevices} || '[]' ) };
    return ref $held eq 'ARRAY' ? @$held : ();
}

1;
