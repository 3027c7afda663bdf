<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The other webmail, SOGo: whose mail and filters are there, and where a page of Roundcube has its like. */
final class malleposte_groupware
{
    public function __construct(private readonly rcmail $rc, private readonly malleposte $plugin)
    {
    }

    /** Whether an agent's class has its mail there, as the directory says now. */
    public function has(string $uid): bool
    {
        return in_array($this->plugin->profile($uid), (array) $this->rc->config->get('agents_groupware_classes'), true);
    }

    /** Whether an agent who has it asked for this interface all the same. */
    public static function declined(array $wanted): bool
    {
        return ($wanted['_interface'] ?? '') === 'legere';
    }

    /** The address there of what was wanted here. */
    public function address(string $uid, array $wanted): string
    {
        $wanted = array_filter($wanted, 'is_string');
        $own = 'SOGo/so/' . rawurlencode($uid);
        $page = match ($wanted['_task'] ?? '') {
            'settings' => "$own/Preferences",
            'addressbook' => "$own/Contacts/view",
            'mail' => $this->mail($own, $wanted),
            'agenda' => "$own/Calendar/view",
            default => '',
        };
        return $this->rc->config->get('agents_groupware_url') . $page;
    }

    /** The address there of the page of filters. */
    public function filters(string $uid): string
    {
        return $this->address($uid, ['_task' => 'settings']) . '#!/mailer';
    }

    /** Messages have the same numbers there. SOGo reads the name of a folder twice. */
    private function mail(string $own, array $wanted): string
    {
        if (($wanted['_mbox'] ?? '') === '') {
            return '';
        }
        $folder = rcube_charset::convert($wanted['_mbox'], 'UTF7-IMAP');
        $number = ctype_digit($wanted['_uid'] ?? '') ? "/$wanted[_uid]" : '';
        return "$own/Mail/view#!/Mail/0/" . rawurlencode(rawurlencode($folder)) . $number;
    }
}
