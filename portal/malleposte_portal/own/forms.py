"""The forms of the agent's own section."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, HiddenField, PasswordField, RadioField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, ValidationError

from malleposte_portal import dsfr
from malleposte_portal.core.forms import LONGEST, TOO_LONG, Form

LONGEST_NAME = 40
SCOPES = {"mail": ("imap", "smtp", "sieve"), "dav": ("dav",)}
"""The accesses of a device by the field that gives them, in Dovecot's names."""
LONGEST_PART = 100
LONGEST_SENDER = 320
DAYS = {"1": "Depuis hier", "7": "Depuis une semaine", "0": "À n’importe quel moment"}
"""Days since a deletion, in the words of the page; 0 for any."""
INVITES = "smtp"
"""The scope by which SOGo sends the invitations of a device, with its password."""


def _device_name(example: str) -> Any:
    return StringField(
        "Nom de l’appareil",
        description=example,
        filters=[lambda value: " ".join(value.split()) if value else value],
        validators=[
            InputRequired("Donnez un nom à l’appareil."),
            Length(max=LONGEST_NAME, message="Ce nom est trop long : 40 caractères au plus."),
        ],
        render_kw={"autocomplete": "off", "maxlength": str(LONGEST_NAME)},
        widget=dsfr.Input(),
    )


def _own_password() -> Any:
    return PasswordField(
        "Votre mot de passe",
        description="Celui de votre compte, pour vérifier que c’est bien vous.",
        validators=[InputRequired("Indiquez votre mot de passe."), Length(max=1024, message=TOO_LONG)],
        render_kw={"autocomplete": "current-password"},
        widget=dsfr.Password(),
    )


class AddDevice(Form):
    """A device and what it may open; the password is asked for again."""

    name = _device_name("Pour le reconnaître dans la liste, par exemple : téléphone de Marie, ordinateur de la maison.")
    mail = BooleanField("Courriel", description="Lire, envoyer, classer.", widget=dsfr.Checkbox())
    dav = BooleanField("Agenda et contacts", description="Par CalDAV et CardDAV.", widget=dsfr.Checkbox())
    password = _own_password()
    invites = False
    """Whether the agenda of this account sends its invitations with the password of the device."""

    def validate_mail(self, held: Any) -> None:
        """A device that may open nothing would be of no use."""
        if not held.data and not self["dav"].data:
            raise ValidationError("Choisissez au moins un accès.")

    @property
    def scopes(self) -> tuple[str, ...]:
        """The accesses that were ticked."""
        found = [one for name, many in SCOPES.items() if self[name].data for one in many]
        return tuple(dict.fromkeys([*found, INVITES] if self.invites and "dav" in found else found))


class Profile(Form):
    """An iPhone, an iPad or a Mac that gets a profile; the password is asked for again."""

    name = _device_name("Pour le reconnaître dans la liste, par exemple : iPhone de Marie.")
    password = _own_password()


class RecoveryMail(Form):
    """Another address of recovery, or none."""

    value = StringField(
        "Nouvelle adresse de secours",
        description="Une adresse personnelle, hors de l’académie. Un code y est envoyé. Vide : aucune adresse.",
        filters=[lambda value: value.strip() if value else value],
        validators=[Length(max=LONGEST, message=TOO_LONG)],
        render_kw={"autocomplete": "email", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"},
        widget=dsfr.Input(),
    )
    password = _own_password()


class RecoveryPhone(Form):
    """Another telephone of recovery, or none."""

    value = StringField(
        "Nouveau téléphone de secours",
        description="Un numéro personnel, par exemple 06 12 34 56 78. Laissez vide pour n’en avoir aucun.",
        filters=[lambda value: value.strip() if value else value],
        validators=[Length(max=LONGEST, message=TOO_LONG)],
        render_kw={"autocomplete": "tel", "inputmode": "tel"},
        widget=dsfr.Input(),
    )
    password = _own_password()


def _part(label: str, hint: str) -> Any:
    return StringField(
        label,
        description=hint,
        filters=[lambda value: " ".join(value.split()) if value else value],
        validators=[Length(max=LONGEST_PART, message="C’est trop long : 100 caractères au plus.")],
        render_kw={"autocomplete": "off", "maxlength": str(LONGEST_PART), "spellcheck": "false"},
        widget=dsfr.Input(),
    )


class FindDeleted(Form):
    """Parts of the messages that are looked for; all of them where nothing is given."""

    sender = _part("Expéditeur", "Une partie du nom ou de l’adresse. Vide : n’importe lequel.")
    subject = _part("Objet", "Un ou plusieurs mots. Vide : n’importe lequel.")
    days = RadioField(
        "Supprimé",
        choices=list(DAYS.items()),
        default="0",
        validate_choice=False,
        validators=[AnyOf(DAYS, "Choisissez une période.")],
        widget=dsfr.Radios(),
    )


class SenderLevel(Form):
    """The level of antispam."""

    level = RadioField(
        "Niveau de filtrage",
        choices=[
            ("normal", "Normal : ce qui est jugé indésirable va dans « Indésirables »"),
            ("strict", "Strict : ce qui est seulement douteux y va aussi"),
        ],
        default="normal",
        validate_choice=False,
        validators=[AnyOf(("normal", "strict"), "Choisissez un niveau.")],
        widget=dsfr.Radios(),
    )


class AddSender(Form):
    """An address or a domain that is allowed or blocked. accountd judges it."""

    value = StringField(
        "Adresse ou domaine de l’expéditeur",
        description=(
            "Par exemple nom@exemple.fr, ou exemple.fr pour tout un domaine. "
            "Un domaine bloqué l’est avec ses sous-domaines."
        ),
        filters=[lambda value: value.strip() if value else value],
        validators=[InputRequired("Indiquez une adresse ou un domaine."), Length(max=LONGEST_SENDER, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
        widget=dsfr.Input(),
    )
    list = RadioField(
        "Que faire de ses messages",
        choices=[
            ("block", "Bloquer : ils vont dans « Indésirables »"),
            ("allow", "Autoriser : ils n’y vont jamais, s’ils viennent vraiment de cet expéditeur"),
        ],
        default="block",
        validate_choice=False,
        validators=[AnyOf(("block", "allow"), "Choisissez ce qu’il faut faire.")],
        widget=dsfr.Radios(),
    )


class RemoveFactor(Form):
    """A second factor that goes; the password is asked for again."""

    factor = HiddenField()
    password = _own_password()


class AskOwnData(Form):
    """A copy of all data; the password is asked for again."""

    password = _own_password()


class AddPerson(Form):
    """An agent, by log-in or address."""

    value = StringField(
        "Identifiant ou adresse académique",
        filters=[lambda value: value.strip() if value else value],
        validators=[Length(max=LONGEST, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
        widget=dsfr.Input(),
    )

    @property
    def who(self) -> str:
        """The agent."""
        return self.typed("value")

    def validate_value(self, held: Any) -> None:
        """Somebody is named."""
        if not self.who:
            raise ValidationError("Indiquez un identifiant ou une adresse.")


class AddPoster(AddPerson):
    """An agent, an address outside, or all agents of a kind."""

    group = RadioField(
        "Qui",
        choices=[
            ("", "Une personne, ou une adresse extérieure"),
            ("@members", "Les membres de la liste"),
            ("@staff", "Les agents de l’académie"),
        ],
        default="",
        widget=dsfr.Radios(),
    )

    @property
    def who(self) -> str:
        """The group that was chosen, or the person."""
        return self.typed("group") or self.typed("value")
