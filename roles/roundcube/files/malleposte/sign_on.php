<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * The log-in by the academy's own page, beside what Roundcube's client of OAuth does itself.
 *
 * That client does not insist on a state, knows no nonce and no PKCE, forgets the page that was wanted and leaves the
 * provider's session at log-out. Here: each way out has a state, a nonce and a verifier of its own, and a way back without
 * them enters nobody (OpenID Connect Core, 3.1.2.1 and 3.1.3.7; RFC 7636); the log-out ends the session of all services (RP-Initiated Logout). No form
 * of ours takes a password.
 */
final class malleposte_sign_on
{
    private rcmail $rc;
    /** Why the page does not lead on by itself: a text of ours. */
    private string $reason = '';
    private string $hint = '';
    /** The session of the visitor, whose row must not become the agent's. */
    private string $before = '';

    public function __construct(private readonly rcube_plugin $plugin, private readonly malleposte_groupware $groupware)
    {
        $this->rc = rcmail::get_instance();
        foreach ([
            'startup', 'oauth_login', 'oauth_refresh_token', 'login_after', 'login_failed', 'unauthenticated',
            'session_destroy', 'logout_after', 'loginform_content',
        ] as $hook) {
            $plugin->add_hook($hook, [$this, $hook]);
        }
    }

    /** Let nobody in by a form, and only those back who went out from here. */
    public function startup($args)
    {
        $this->before = (string) session_id();
        if (!empty($_SESSION['user_id']) && empty($_SESSION['oauth_token'])) {
            // Of a version that kept the agent's password: over, with it.
            $this->rc->kill_session();
        }
        // Whoever has not logged in leaves nothing in the database.
        $this->rc->session->nowrite = empty($_SESSION['user_id']);
        if ($args['task'] !== 'login' || !in_array($args['action'], ['login', 'oauth'], true)) {
            return $args;
        }
        $state = rcube_utils::get_input_string('state', rcube_utils::INPUT_GET);
        $way = malleposte_ways::take((string) $state);
        $back = $args['action'] === 'oauth' && (isset($_GET['code']) || isset($_GET['error']));
        if ($back && !empty($_SESSION['user_id'])) {
            // Another tab was faster; nobody changes places within a session.
            $this->rc->output->redirect(['_task' => 'mail']);
        }
        if ($back && isset($_GET['code']) && $way !== null) {
            $_SESSION['oauth_state'] = $state;
            $_SESSION['sign_on_way'] = $way;
            $this->prove_way((string) ($way['verifier'] ?? ''));
            // Roundcube's own texts speak of a password.
            $this->plugin->add_texts('localization/');
            $this->rc->load_language(null, [], [
                'loginfailed' => $this->plugin->gettext('signonrefused'),
                'oauthloginfailed' => $this->plugin->gettext('signonagain'),
            ]);
            return $args;
        }
        if ($back) {
            $this->reason = 'again';
            http_response_code(403);
        }
        $args['action'] = '';
        return $args;
    }

    /**
     * Send the verifier of the way out with the code (RFC 7636). Roundcube's client of OAuth has no room for it in what it
     * posts, so it goes with the address, which nginx does not log; where the provider refuses, it
     * stands in Roundcube's log, and the code is worth nothing without our secret. Not every provider reads it there: with
     * those that do not, the nonce alone binds a code to the way out (RFC 9700, 2.1.1).
     */
    private function prove_way(string $verifier): void
    {
        if (!$this->rc->config->get('agents_sign_on_pkce', true)) {
            return;
        }
        (function () use ($verifier): void {
            $this->options['token_uri'] .= '?' . http_build_query(['code_verifier' => $verifier]);
        })->call($this->rc->oauth);
    }

    /** Whether the token of who somebody is is for us and for this very way. What is thrown ends the log-in. */
    public function oauth_login($args)
    {
        $way = (array) ($_SESSION['sign_on_way'] ?? []);
        $this->rc->session->remove('sign_on_way');
        $claims = $this->rc->oauth->jwt_decode((string) ($args['id_token'] ?? '..'));
        $nonce = (string) ($way['nonce'] ?? '');
        if ($nonce === '' || !hash_equals($nonce, (string) ($claims['nonce'] ?? ''))) {
            throw new RuntimeException('the token has not the nonce of this way');
        }
        if (($claims['iss'] ?? '') !== $this->rc->config->get('agents_sign_on_issuer') || ($claims['exp'] ?? 0) < time()) {
            throw new RuntimeException('the token is not of the log-in page, or is over');
        }
        // Agents of a class with the groupware have their mail there, beside the agenda, unless they asked for this interface.
        $uid = (string) ($claims[$this->rc->config->get('oauth_identity_fields')[0]] ?? '');
        parse_str((string) ($way['wanted'] ?? ''), $wanted);
        if (!malleposte_groupware::declined($wanted) && $this->groupware->has($uid)) {
            $this->rc->output->redirect($this->groupware->address($uid, $wanted));
        }
        $_SESSION['sign_on_hint'] = $this->rc->encrypt($args['id_token']);
        // The provider's name of this log-in, by which it tells of its end (ended.php).
        $_SESSION['sign_on_sid'] = (string) ($claims['sid'] ?? '');
        $_SESSION['sign_on_wanted'] = (string) ($way['wanted'] ?? '');
        return $args;
    }

    /** Roundcube has the token a second time, closed; the open one need not lie in the database. */
    public function oauth_refresh_token($args)
    {
        unset($_SESSION['oauth_token']['access_token']);
        return $args;
    }

    /** On to the page that was wanted. */
    public function login_after($args)
    {
        unset($_SESSION['oauth_token']['access_token']);
        $this->rc->session->nowrite = false;
        if ($this->before !== session_id()) {
            $this->rc->session->destroy($this->before);
        }
        parse_str((string) ($_SESSION['sign_on_wanted'] ?? ''), $wanted);
        $this->rc->session->remove('sign_on_wanted');
        unset($wanted['_interface']);
        if (!in_array($wanted['_task'] ?? '', ['mail', 'settings', 'addressbook'], true)) {
            return $args;
        }
        // A message that was being written has another number now.
        if (($wanted['_action'] ?? '') === 'compose' && !empty($wanted['_id'])) {
            $wanted = ['_task' => 'mail', '_action' => 'compose'];
        }
        return array_filter($wanted, 'is_string') + $args;
    }

    /** The mail server says no: to try again by itself would go round for ever. */
    public function login_failed($args)
    {
        $this->reason = 'refused';
        return $args;
    }

    /** Lead on to the log-in page, also from a session that is over, unless something must be said first. */
    public function unauthenticated($args)
    {
        $came_back = isset($_GET['code']) || isset($_GET['error']);
        if ($this->reason === '' && $came_back && $this->rc->action === 'oauth') {
            $this->reason = 'again';
        }
        if ($this->reason !== '' || $args['http_code'] !== 200) {
            return $args;
        }
        if (!$this->answers()) {
            // nginx says so, by the one page of every site.
            http_response_code(503);
            header('X-Accel-Redirect: /_away/log-in');
            exit;
        }
        $this->lead_on();
        return $args;
    }

    private function lead_on(): void
    {
        $way = malleposte_ways::begin($_SERVER['REQUEST_METHOD'] === 'GET' ? (string) ($_SERVER['QUERY_STRING'] ?? '') : '');
        $challenge = $this->rc->config->get('agents_sign_on_pkce', true) ? [
            'code_challenge' => rtrim(strtr(base64_encode(hash('sha256', $way['verifier'], true)), '+/', '-_'), '='),
            'code_challenge_method' => 'S256',
        ] : [];
        $this->rc->output->redirect($this->asking((string) $this->rc->config->get('oauth_auth_uri'), [
            'response_type' => 'code',
            'client_id' => $this->rc->config->get('oauth_client_id'),
            'scope' => $this->rc->config->get('oauth_scope'),
            'redirect_uri' => $this->rc->oauth->get_redirect_uri(),
            'state' => $way['state'],
            'nonce' => $way['nonce'],
        ] + $challenge));
    }

    /** An address with what is asked of it. */
    private function asking(string $address, array $asked): string
    {
        return $address . (str_contains($address, '?') ? '&' : '?') . http_build_query($asked);
    }

    public function session_destroy($args)
    {
        $this->hint = (string) $this->rc->decrypt((string) ($_SESSION['sign_on_hint'] ?? ''));
        return $args;
    }

    /** Out of everything: the log-in page ends the session of all services, then leads back here. */
    public function logout_after($args)
    {
        if ($this->hint !== '' && $this->answers()) {
            $this->rc->output->redirect($this->asking((string) $this->rc->config->get('agents_sign_on_end'), [
                'id_token_hint' => $this->hint,
                'post_logout_redirect_uri' => preg_replace('~index[.]php/.*$~', '', $this->rc->oauth->get_redirect_uri()),
            ]));
        }
        $this->reason = 'out';
        return $args;
    }

    /** What stands in the place of Roundcube's own form. */
    public function loginform_content($args)
    {
        $this->plugin->add_texts('localization/');
        $say = fn (string $label) => rcube::Q($this->plugin->gettext($label));
        $told = $this->reason === '' ? ''
            : html::p(['class' => 'sign-on-reason', 'role' => 'status'], $say("signon$this->reason"));
        $told .= html::p(['class' => 'formbuttons'], html::a(
            ['href' => '/', 'class' => 'btn btn-primary button mainaction'],
            $say(in_array($this->reason, ['', 'out'], true) ? 'signon' : 'signonretry')
        ));
        if ($this->reason === 'refused') {
            $told .= html::p(null, html::a(['href' => $this->rc->config->get('agents_sign_on_leave')], $say('signonother')));
        }
        return ['hidden' => [$told], 'inputs' => [], 'buttons' => []];
    }

    /** Whether the log-in page is there: a browser that is led to one that is not shows an error of its own. */
    private function answers(): bool
    {
        try {
            $client = new GuzzleHttp\Client(['timeout' => 4, 'verify' => $this->rc->config->get('oauth_verify_peer', true)]);
            $issuer = rtrim((string) $this->rc->config->get('agents_sign_on_issuer'), '/');
            return $client->get("$issuer/.well-known/openid-configuration")->getStatusCode() === 200;
        }
        catch (GuzzleHttp\Exception\GuzzleException $error) {
            rcube::raise_error(['message' => 'malleposte: the log-in page: ' . $error->getMessage()], true, false);
            return false;
        }
    }
}
