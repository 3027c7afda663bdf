<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * « Prendre en charge » in a functional box: the button sets a label, by which the mail host decides who has the message; lists and
 * messages show the owner that it names.
 */
final class agents_owners
{
    private const SHARES = 'Partages/';
    /** As the mail host knows them (owners.model); Roundcube has the names of labels in capitals. */
    private const TAKEN = 'PRISENCHARGE';
    private const DONE = 'TRAITE';
    private const BY = 'PRIS-';
    private const TRIES = 10;
    private const PAUSE = 400_000;
    private const MOST = 10;

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        if (!$rc->config->get('agents_box_owners')) {
            return;
        }
        $plugin->register_action('plugin.malleposte-take', [$this, 'take']);
        $plugin->add_hook('messages_list', [$this, 'in_list']);
        $plugin->add_hook('message_objects', [$this, 'in_message']);
        if ($rc->output->type === 'html' && in_array($rc->action, ['', 'show'], true)) {
            $plugin->include_script('owners.js');
            $rc->output->set_env('agents_shares', self::SHARES);
            $rc->output->add_label('agents_mail.ownerdone', 'agents_mail.ownerby');
            foreach (['take' => 1, 'give' => 0] as $act => $sets) {
                $plugin->add_button([
                    'type' => 'link',
                    'label' => "owner$act",
                    'title' => "owner{$act}title",
                    'command' => "plugin.malleposte-$act",
                    'class' => "button owner$act disabled",
                    'classact' => "button owner$act",
                    'domain' => $plugin->ID,
                    'innerclass' => 'inner',
                ], 'toolbar');
            }
        }
    }

    /** The owner whom a message's labels name, and whether it is done. */
    private static function state(array $flags): array
    {
        $owner = '';
        foreach ($flags as $flag => $set) {
            if ($set && str_starts_with(strtoupper((string) $flag), self::BY)) {
                $owner = strtolower(substr((string) $flag, strlen(self::BY)));
            }
        }
        return [$owner, !empty($flags[self::DONE])];
    }

    private static function shared(string $folder): bool
    {
        return str_starts_with($folder, self::SHARES);
    }

    /** In the list of messages: the owner, for the page's script. */
    public function in_list($args)
    {
        foreach ($args['messages'] ?? [] as $message) {
            if (self::shared((string) ($message->folder ?? ''))) {
                [$owner, $done] = self::state((array) $message->flags);
                $message->list_flags['extra_flags']['agents_owner'] = $owner;
                $message->list_flags['extra_flags']['agents_done'] = $done;
            }
        }
        return $args;
    }

    /** Above a message: who has it. */
    public function in_message($args)
    {
        $message = $args['message'];
        if (self::shared((string) $message->folder)) {
            [$owner, $done] = self::state((array) $message->headers->flags);
            if ($owner !== '' || $done) {
                $words = $this->words($owner, $done);
                $args['content'][] = html::div(['class' => 'notice ui alert alert-info agents-owner'], rcube::Q($words));
            }
        }
        return $args;
    }

    private function words(string $owner, bool $done): string
    {
        $name = $done ? ($owner === '' ? 'ownerdone' : 'ownerdoneby') : 'ownerby';
        return $this->plugin->gettext(['name' => $name, 'vars' => ['$name' => $owner]]);
    }

    /** Take messages (`_take` is 1) or give them back, and wait for what the mail host says. */
    public function take()
    {
        $take = rcube_utils::get_input_string('_take', rcube_utils::INPUT_POST) === '1';
        $storage = $this->rc->get_storage();
        foreach (rcmail::get_uids(null, null, $multi, rcube_utils::INPUT_POST) as $folder => $uids) {
            $uids = array_slice((array) $uids, 0, self::MOST);
            if (!self::shared((string) $folder)) {
                continue;
            }
            $storage->set_flag($uids, $take ? self::TAKEN : 'UN' . self::TAKEN, $folder, true);
            foreach ($uids as $uid) {
                $this->tell($storage, (string) $folder, (string) $uid, $take);
            }
        }
        $this->rc->output->send();
    }

    private function tell($storage, string $folder, string $uid, bool $take): void
    {
        $own = strtolower((string) $this->rc->user->data['username']);
        [$owner, $done] = ['', false];
        for ($try = 0; $try < self::TRIES; $try++) {
            usleep(self::PAUSE);
            $headers = $storage->fetch_headers($folder, [$uid], false);
            $header = reset($headers);
            [$owner, $done] = $header ? self::state((array) $header->flags) : ['', false];
            if ($done || ($take ? $owner !== '' : $owner !== $own)) {
                break;
            }
        }
        if ($take && $owner === '' && !$done) {
            // Nothing decides in this box: a label that says nothing is taken off again.
            $storage->set_flag([$uid], 'UN' . self::TAKEN, $folder, true);
        }
        $right = $take ? $owner === $own : $owner === '';
        $text = $take && $owner === '' && !$done ? $this->plugin->gettext('owneroff')
            : ($owner === '' && !$done ? $this->plugin->gettext('ownerfree') : $this->words($owner, $done));
        $this->rc->output->show_message($text, $right ? 'confirmation' : 'warning', null, false, 8);
        $this->rc->output->command('plugin.agents_owner', ['uid' => $uid, 'owner' => $owner, 'done' => $done]);
    }
}
