<?php
// SPDX-License-Identifier: GPL-3.0-or-later

require_once __DIR__ . '/filters.php';
require_once __DIR__ . '/groupware.php';
require_once __DIR__ . '/places.php';
require_once __DIR__ . '/rows.php';
require_once __DIR__ . '/schools.php';
require_once __DIR__ . '/sign_on.php';
require_once __DIR__ . '/signature.php';
require_once __DIR__ . '/waiting.php';
require_once __DIR__ . '/ways.php';

/**
 * Who an agent is, as the academy's directory says it.
 *
 * An identity for each address that the server lets the agent write under; the
 * way to the portal, the one place where passwords are changed; and no more of PHP and of the disk than is fair.
 */
class malleposte extends rcube_plugin
{
    public malleposte_groupware $groupware;
    private rcmail $rc;
    private array|bool|null $allowed = null;
    /** Mailboxes that the agent opens as a delegate: uids. */
    private array $boxes = [];
    /** The agent's own entry. */
    private array $own = [];
    private ?malleposte_places $places = null;
    private malleposte_waiting $waiting;

    public function init()
    {
        $this->rc = rcmail::get_instance();
        $this->waiting = new malleposte_waiting($this->rc, $this);
        $this->add_hook('startup', [$this, 'share']);
        $this->add_hook('storage_connect', [$this, 'client']);
        $this->add_hook('user_create', [$this, 'first_identity']);
        $this->add_hook('login_after', [$this, 'identities']);
        $this->add_hook('message_load', [$this, 'bounded']);
        $this->groupware = new malleposte_groupware($this->rc, $this);
        new malleposte_sign_on($this, $this->groupware);
        new malleposte_filters($this->rc, $this, $this->groupware);
        new malleposte_rows($this->rc, $this);
        new malleposte_schools($this->search(...), $this->rc, $this);

        if ($this->rc->task === 'settings') {
            $this->add_texts('localization/');
            $this->add_hook('settings_actions', [$this, 'section']);
            $this->register_action('plugin.malleposte-password', [$this, 'page']);
        }
    }

    /** Refuse what would leave too little of PHP to others. A network stands for those who have not logged in. */
    public function share($args)
    {
        $user = (int) ($_SESSION['user_id'] ?? 0);
        $this->places = new malleposte_places(
            (string) $this->rc->config->get('temp_dir'), (int) $this->rc->config->get('agents_processes', 20)
        );
        $network = $this->network();
        if ($this->places->take($user ? "account $user" : "network $network", $network)) {
            $this->waiting->begin((string) $args['task'], (string) $args['action']);
            return $args;
        }
        $this->add_texts('localization/');
        http_response_code(429);
        header('Content-Type: text/plain; charset=UTF-8');
        header('Retry-After: 5');
        exit($this->gettext('toomany') . "\n");
    }

    /** The visitor's address; of IPv6 the /48, which is a school's, as one address of IPv4 is. */
    private function network(): string
    {
        $address = (string) @inet_pton(rcube_utils::remote_addr());
        return bin2hex(strlen($address) > 4 ? substr($address, 0, 6) : $address);
    }

    /** Whom the mail server is asked for: its journal goes by the client's address, not by ours. */
    public function client($args)
    {
        $address = filter_var(rcube_utils::remote_addr(), FILTER_VALIDATE_IP);
        if ($address !== false) {
            $args['preauth_ident'] = array_merge($args['preauth_ident'] ?? [], ['x-originating-ip' => $address]);
        }
        return $args;
    }

    /** The first parts of a message that has too many: for each that is shown the mail store reads the whole message. */
    public function bounded($args)
    {
        $message = $args['object'];
        if (count($message->mime_parts) <= (int) $this->rc->config->get('agents_max_parts', 1000)) {
            return $args;
        }
        $most = (int) $this->rc->config->get('agents_shown_parts', 20);
        $message->parts = array_slice($message->parts, 0, $most);
        $message->attachments = array_slice($message->attachments, 0, $most);
        if (in_array($this->rc->action, ['show', 'preview'], true)) {
            $this->add_texts('localization/');
            $this->rc->output->show_message($this->gettext('manyparts'), 'warning');
        }
        return $args;
    }

    public function first_identity($args)
    {
        foreach ($this->allowed($args['user']) ?: [] as $address => $name) {
            $args['user_name'] = $name;
            $args['user_email'] = $address;
            $args['email_list'] = [['email' => $address, 'name' => $name] + $this->signature($address)];
            break;
        }
        return $args;
    }

    /** Add an identity for each address that has none, take away those of addresses no longer the agent's. */
    public function identities($args)
    {
        $user = $this->rc->user;
        $allowed = $this->allowed($user->data['username']);
        if (!$allowed) {
            return $args;
        }
        // Only folders that are subscribed to are shown.
        foreach ($this->boxes as $box) {
            $this->rc->get_storage()->subscribe(["Partages/$box"]);
        }
        $kept = [];
        $stale = [];
        foreach ($user->list_identities() as $identity) {
            $address = mb_strtolower($identity['email']);
            if (isset($allowed[$address])) {
                $kept[$address] = true;
            }
            else {
                $stale[] = $identity['identity_id'];
            }
        }
        foreach (array_diff_key($allowed, $kept) as $address => $name) {
            $user->insert_identity(
                ['name' => $name, 'email' => $address, 'standard' => $kept ? 0 : 1] + $this->signature($address)
            );
            $kept[$address] = true;
        }
        foreach ($stale as $identity) {
            $user->delete_identity($identity);
        }
        return $args;
    }

    /** What a new identity is signed with: by the academy's template, if it has one; boxes of functions are not. */
    private function signature(string $address): array
    {
        $template = (string) $this->rc->config->get('agents_signature');
        $addresses = array_merge($this->own['mail'] ?? [], $this->own['maillocaladdress'] ?? []);
        if (trim($template) === '' || !in_array($address, array_map('mb_strtolower', $addresses), true)) {
            return [];
        }
        $school = $this->own['mpestablishment'][0] ?? '';
        if ($school !== '' && str_contains($template, '{school}')) {
            $code = ldap_escape($school, '', LDAP_ESCAPE_FILTER);
            $found = $this->search("(&(objectClass=mpSchool)(mpEstablishment=$code))", ['o']);
            $school = $found[0]['o'][0] ?? '';
        }
        $values = [
            'name' => $this->own['cn'][0] ?? '',
            'function' => $this->own['mpfunction'][0] ?? '',
            'school' => $school,
            'mail' => $this->own['mail'][0] ?? '',
        ];
        return ['signature' => malleposte_signature::filled($template, $values), 'html_signature' => 0];
    }

    public function section($args)
    {
        $args['actions'][] = [
            'action' => 'plugin.malleposte-password',
            'class' => 'password',
            'label' => 'password',
            'title' => 'passwordtitle',
            'domain' => 'malleposte',
        ];
        return $args;
    }

    public function page()
    {
        $this->register_handler('plugin.body', [$this, 'body']);
        $this->rc->output->set_pagetitle($this->gettext('passwordtitle'));
        $this->rc->output->send('plugin');
    }

    public function body()
    {
        return html::div(['class' => 'formcontent'],
            html::tag('h2', ['class' => 'boxtitle'], rcube::Q($this->gettext('passwordtitle')))
            . html::p(null, rcube::Q($this->gettext('passwordtext')))
            . html::p(null, $this->link('passwordlink', 'btn btn-primary'))
        );
    }

    private function link(string $label, string $class): string
    {
        $url = (string) $this->rc->config->get('agents_password_url');
        $attributes = ['href' => $url, 'class' => $class, 'target' => '_blank', 'rel' => 'noopener'];
        return html::a($attributes, rcube::Q($this->gettext($label)));
    }

    /** Address => name: the agent's own, the primary one first, then the functional boxes'. False without directory. */
    private function allowed(string $uid): array|bool
    {
        if ($this->allowed !== null) {
            return $this->allowed;
        }
        $name = ldap_escape($uid, '', LDAP_ESCAPE_FILTER);
        $found = $this->search(
            "(|(&(objectClass=mpAgent)(uid=$name))(&(objectClass=mpFunctionalBox)(mpDelegate=$name)))",
            ['uid', 'cn', 'mail', 'mailLocalAddress', 'mpFunction', 'mpEstablishment']
        );
        if ($found === false) {
            return $this->allowed = false;
        }
        usort($found, fn ($a, $b) => ($b['uid'][0] === $uid) <=> ($a['uid'][0] === $uid));
        $this->allowed = [];
        foreach ($found as $entry) {
            if ($entry['uid'][0] === $uid) {
                $this->own = $entry;
            }
            else {
                $this->boxes[] = $entry['uid'][0];
            }
            $addresses = array_merge($entry['mail'] ?? [], $entry['maillocaladdress'] ?? []);
            foreach (array_map('mb_strtolower', $addresses) as $address) {
                $this->allowed[$address] ??= $entry['cn'][0] ?? '';
            }
        }
        return $this->allowed;
    }

    /** The agent's class, as it is now; empty without directory. */
    public function profile(string $uid): string
    {
        $name = ldap_escape($uid, '', LDAP_ESCAPE_FILTER);
        $found = $this->search("(&(objectClass=mpAgent)(uid=$name))", ['mpProfile']);
        return $found[0]['mpprofile'][0] ?? '';
    }

    /** Entries as attribute => values, names in small letters; false when the directory does not answer. */
    private function search(string $filter, array $attributes): array|bool
    {
        $where = (array) $this->rc->config->get('agents_directory');
        $link = ldap_connect($where['uri']);
        ldap_set_option($link, LDAP_OPT_PROTOCOL_VERSION, 3);
        ldap_set_option($link, LDAP_OPT_NETWORK_TIMEOUT, 5);
        ldap_set_option($link, LDAP_OPT_TIMELIMIT, 5);
        $result = @ldap_bind($link, $where['dn'], $where['password'])
            ? @ldap_search($link, $where['base'], $filter, $attributes, 0, 200) : false;
        if ($result === false) {
            rcube::raise_error(['message' => 'malleposte: directory: ' . ldap_error($link)], true, false);
            return false;
        }
        $entries = [];
        for ($entry = ldap_first_entry($link, $result); $entry; $entry = ldap_next_entry($link, $entry)) {
            $values = [];
            foreach (ldap_get_attributes($link, $entry) as $key => $items) {
                if (is_array($items)) {
                    unset($items['count']);
                    $values[strtolower($key)] = $items;
                }
            }
            $entries[] = $values;
        }
        ldap_unbind($link);
        return $entries;
    }
}
