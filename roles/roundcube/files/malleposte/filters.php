<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * Filters, absence and forward of agents whose class has them in the other interface: to be read here, and not to be changed.
 *
 * Each interface rewrites its own script whole, and one script is in force (ADR 18).
 */
final class malleposte_filters
{
    /** Every action of managesieve, and of the ready filters. */
    private const OURS = '/^plugin[.](managesieve|malleposte-ready)/';

    public function __construct(
        private readonly rcmail $rc, private readonly malleposte $plugin, private readonly malleposte_groupware $groupware
    ) {
        $plugin->add_hook('startup', [$this, 'startup']);
        $plugin->register_action('plugin.malleposte-filters', [$this, 'page']);
    }

    public function startup($args)
    {
        $uid = (string) ($_SESSION['username'] ?? '');
        if ($uid !== '' && preg_match(self::OURS, (string) $args['action']) && $this->groupware->has($uid)) {
            $args['action'] = 'plugin.malleposte-filters';
        }
        return $args;
    }

    public function page()
    {
        $this->plugin->add_texts('localization/');
        $output = $this->rc->output;
        if ($_SERVER['REQUEST_METHOD'] !== 'GET' || $output->ajax_call) {
            http_response_code(403);
        }
        if ($output->ajax_call) {
            $output->show_message($this->plugin->gettext('filterselsewhere'), 'warning');
            $output->send();
        }
        $output->set_pagetitle($this->plugin->gettext('filterstitle'));
        $framed = (bool) $output->get_env('framed');
        $output->add_handler($framed ? 'dialogcontent' : 'plugin.body', [$this, 'body']);
        $output->send($framed ? 'dialog' : 'plugin');
    }

    public function body(): string
    {
        $say = fn (string $label) => rcube::Q($this->plugin->gettext($label));
        $there = ['href' => $this->groupware->filters((string) $_SESSION['username']), 'class' => 'btn btn-primary', 'target' => '_top'];
        $script = $this->script();
        $shown = $script === '' ? '' : html::tag('details', ['class' => 'malleposte-script'],
            html::tag('summary', null, $say('filtersscript')) . html::tag('pre', ['tabindex' => 0], rcube::Q($script)));
        return html::div(['class' => 'formcontent'], html::tag('h2', null, $say('filterstitle'))
            . html::p(null, $say('filterselsewhere')) . html::p(null, html::a($there, $say('filtersthere'))) . $shown);
    }

    /** The script that is in force. */
    private function script(): string
    {
        $sieve = self::opened($this->rc);
        $name = $sieve ? $sieve->get_active() : '';
        return $name ? trim((string) $sieve->get_script($name)) : '';
    }

    /** The server of filters, by the plugin's own way in: its address, its proof, its hooks. Nothing is written. */
    public static function opened(rcmail $rc): ?rcube_sieve
    {
        $plugin = $rc->plugins->get_plugin('managesieve');
        if (!$plugin) {
            return null;
        }
        set_include_path(RCUBE_PLUGINS_DIR . 'managesieve/lib' . PATH_SEPARATOR . ini_get('include_path'));
        $engine = new class($plugin) extends rcube_sieve_engine {
            public function opened(string $user, string $password): ?rcube_sieve
            {
                return $this->connect($user, $password) ? null : $this->sieve;
            }
        };
        return $engine->opened($_SESSION['username'], $rc->decrypt($_SESSION['password']));
    }
}
