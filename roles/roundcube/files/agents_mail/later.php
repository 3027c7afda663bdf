<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * « Envoyer plus tard » and « Annuler l'envoi »: in place of being sent, a message is laid into « À envoyer », from which the mail
 * host sends it at its hour, whether this page is open or not.
 */
final class agents_later
{
    private const FOLDER = 'À envoyer';
    /** Folders of `FOLDER` by the words of the form. */
    private const FOLDERS = ['hour' => 'Dans une heure', 'tomorrow' => 'Demain 8 h', 'monday' => 'Lundi 8 h', 'theirs' => 'Quand il recevra'];
    private const UNDO = [0, 10, 20, 30, 60];
    private const HEADER = 'X-Malleposte-Send-At';

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        if ($rc->task === 'settings') {
            $plugin->add_hook('preferences_list', [$this, 'choice']);
            $plugin->add_hook('preferences_save', [$this, 'choose']);
            return;
        }
        $plugin->register_action('plugin.malleposte-undo', [$this, 'undo']);
        match ($rc->action) {
            'compose' => $plugin->add_hook('render_page', [$this, 'offer']),
            'send' => $plugin->add_hook('message_before_send', [$this, 'lay']),
            '' => $plugin->add_hook('render_page', [$this, 'bar']),
            default => null,
        };
    }

    /** Whether the agent has « À envoyer ». */
    private function on(): bool
    {
        return $this->rc->get_storage()->folder_exists(self::name(''), true);
    }

    /** A folder as IMAP names it. */
    private static function name(string $part): string
    {
        return rcube_charset::convert(self::FOLDER . ($part === '' ? '' : "/$part"), RCUBE_CHARSET, 'UTF7-IMAP');
    }

    private function seconds(): int
    {
        $chosen = (int) $this->rc->config->get('agents_undo', 0);
        return in_array($chosen, self::UNDO, true) ? $chosen : 0;
    }

    /** Beside « Envoyer »: the choice of an hour. */
    public function offer($args)
    {
        if ($this->on()) {
            $this->plugin->include_script('later.js');
            $this->rc->output->set_env('agents_later', array_keys(self::FOLDERS));
            $names = array_map(fn ($one) => "agents_mail.later$one", [...array_keys(self::FOLDERS), '', 'at', 'when', 'bad', 'hint', 'hintnow']);
            $this->rc->output->add_label('cancel', 'send', ...$names);
        }
        return $args;
    }

    /** Lay the message there in place of sending it, where its form or the agent's choice says so. */
    public function lay($args)
    {
        $asked = rcube_utils::get_input_string('_agents_later', rcube_utils::INPUT_POST);
        $seconds = $this->seconds();
        if (($asked === '' && !$seconds) || !$this->on()) {
            return $args;
        }
        $folder = self::name(self::FOLDERS[$asked] ?? '');
        $field = $asked === '' ? "+$seconds" : (isset(self::FOLDERS[$asked]) ? '' : $asked);
        $message = $args['message'];
        $args['abort'] = true;
        $args['result'] = false;
        if ($asked !== '' && $field !== '' && !preg_match('/^\d{4}-\d\d-\d\dT\d\d:\d\d$/D', $field)) {
            $args['error'] = ['label' => 'agents_mail.laterbad', 'vars' => []];
            return $args;
        }
        if ($field !== '') {
            $message->headers([self::HEADER => $field], true);
        }
        $id = (string) ($message->headers()['Message-ID'] ?? '');
        $text = $message->getMessage();
        $laid = is_string($text) && $this->rc->get_storage()->save_message($folder, $text, '', false, ['SEEN']);
        if (!$laid) {
            $args['error'] = ['label' => 'agents_mail.laterfailed', 'vars' => []];
            return $args;
        }
        // Nothing is in « Envoyés » until it has left.
        $_POST['_store_target'] = '';
        $args['result'] = true;
        if ($asked === '') {
            $_SESSION['agents_undo'] = ['id' => $id, 'until' => time() + $seconds];
            $this->rc->load_language(null, [], ['messagesent' => $this->plugin->gettext(['name' => 'undosent', 'vars' => ['$seconds' => $seconds]])]);
        } else {
            $this->rc->load_language(null, [], ['messagesent' => $this->plugin->gettext('laterlaid')]);
        }
        return $args;
    }

    /** In the list of messages: the bar that takes the last message back. */
    public function bar($args)
    {
        $last = $_SESSION['agents_undo'] ?? null;
        $left = $last ? $last['until'] - time() : 0;
        if ($left > 0) {
            $this->plugin->include_script('undo.js');
            $this->rc->output->set_env('agents_undo', $left);
            $this->rc->output->add_label('agents_mail.undobar', 'agents_mail.undo', 'agents_mail.undolate');
        }
        return $args;
    }

    /** Take the last message back: it lies in the drafts, and is opened. */
    public function undo()
    {
        $last = $_SESSION['agents_undo'] ?? null;
        $storage = $this->rc->get_storage();
        $drafts = (string) $this->rc->config->get('drafts_mbox');
        $id = is_array($last) ? preg_replace('/[\r\n"\\\\]+/', '', $last['id']) : '';
        $this->rc->session->remove('agents_undo');
        $uid = $id === '' ? 0 : (int) $storage->search_once(self::name(''), "HEADER Message-ID \"$id\"")->max();
        if ($uid && $drafts !== '' && $storage->move_message([$uid], $drafts, self::name(''))) {
            $draft = (int) $storage->search_once($drafts, "HEADER Message-ID \"$id\"")->max();
            $this->rc->output->command('plugin.agents_undone', ['uid' => $draft, 'mbox' => $drafts]);
        } else {
            $this->rc->output->command('plugin.agents_undone', ['uid' => 0]);
        }
        $this->rc->output->send();
    }

    /** The seconds of « Annuler l'envoi », among the preferences of writing. */
    public function choice($args)
    {
        if ($args['section'] === 'compose' && isset($args['blocks']['main']) && $this->on()) {
            $select = new html_select(['name' => '_agents_undo', 'id' => 'agents-undo', 'class' => 'custom-select']);
            foreach (self::UNDO as $seconds) {
                $select->add($seconds ? $this->plugin->gettext(['name' => 'undoseconds', 'vars' => ['$seconds' => $seconds]]) : $this->plugin->gettext('undonone'), (string) $seconds);
            }
            $args['blocks']['main']['options']['agents_undo'] = [
                'title' => html::label('agents-undo', rcube::Q($this->plugin->gettext('undotitle'))),
                'content' => $select->show((string) $this->seconds()),
            ];
        }
        return $args;
    }

    public function choose($args)
    {
        $asked = rcube_utils::get_input_string('_agents_undo', rcube_utils::INPUT_POST);
        if ($args['section'] === 'compose' && $asked !== '' && in_array((int) $asked, self::UNDO, true)) {
            $args['prefs']['agents_undo'] = (int) $asked;
        }
        return $args;
    }
}
