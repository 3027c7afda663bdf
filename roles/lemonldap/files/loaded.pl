# What the processes share: read once, before they begin, instead of by each at its first page. Nothing is configured or opened
# here, so that no process has another's connection or random numbers.
use strict;
use warnings;

require Lemonldap::NG::Portal::Main;
require Lemonldap::NG::Portal::Auth::Choice;
require Lemonldap::NG::Portal::Auth::Custom;
require Lemonldap::NG::Portal::Auth::Malleposte;
require Lemonldap::NG::Portal::Auth::WebAuthn;
require Lemonldap::NG::Portal::UserDB::Choice;
require Lemonldap::NG::Portal::UserDB::LDAP;
require Lemonldap::NG::Portal::Password::Choice;
require Lemonldap::NG::Portal::Password::Null;
require Lemonldap::NG::Portal::Issuer::OpenIDConnect;
require Lemonldap::NG::Portal::2F::Engines::Default;
require Lemonldap::NG::Portal::2F::Malleposte;
require Lemonldap::NG::Portal::2F::TOTP;
require Lemonldap::NG::Portal::2F::WebAuthn;
require Lemonldap::NG::Portal::2F::Register::TOTP;
require Lemonldap::NG::Portal::2F::Register::WebAuthn;
require Lemonldap::NG::Portal::Lib::OneTimeToken;
require Lemonldap::NG::Portal::Lib::SMTP;
require Lemonldap::NG::Portal::Lib::Store;
require Lemonldap::NG::Portal::Plugins::BasePasswordPolicy;
require Lemonldap::NG::Portal::Plugins::GrantSession;
require Lemonldap::NG::Portal::Plugins::LogOut;
require Lemonldap::NG::Portal::Plugins::Malleposte;
require Lemonldap::NG::Portal::Plugins::Requests;
require Lemonldap::NG::Portal::Plugins::SingleAudience;
require Lemonldap::NG::Portal::Plugins::TrustedBrowser;
require Lemonldap::NG::Portal::Plugins::Upgrade;

1;
