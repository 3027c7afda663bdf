<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** What fills the mailbox: the agent's folders by size, the largest first, as the mail store counts them (RFC 8438). */
final class agents_sizes
{
    public const ACTION = 'plugin.malleposte-sizes';

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        $plugin->register_action(self::ACTION, [$this, 'page']);
    }

    public function page()
    {
        $this->plugin->register_handler('plugin.body', [$this, 'body']);
        $this->rc->output->set_pagetitle($this->plugin->gettext('sizestitle'));
        $this->rc->output->send('plugin');
    }

    public function body(): string
    {
        $say = fn (string $label) => rcube::Q($this->plugin->gettext($label));
        $folders = $this->folders();
        if (!$folders) {
            return html::div(['class' => 'formcontent'],
                html::tag('h2', null, $say('sizestitle')) . html::div(['class' => 'boxerror'], $say('sizesfailed')));
        }
        $whole = max(1, array_sum(array_column($folders, 'size')));
        $rows = '';
        foreach ($folders as $name => $one) {
            $link = './?' . http_build_query(['_task' => 'mail', '_mbox' => $name]);
            $rows .= html::tag('tr', null, html::tag('th', ['scope' => 'row'], html::a(['href' => $link], rcube::Q($this->rc->localize_foldername($name, true))))
                . html::tag('td', null, (string) $one['count'])
                . html::tag('td', null, rcube::Q($this->rc->show_bytes($one['size'])))
                . html::tag('td', null, round(100 * $one['size'] / $whole) . "\u{a0}%"));
        }
        $head = '';
        foreach (['sizesfolder', 'sizescount', 'sizessize', 'sizespart'] as $label) {
            $head .= html::tag('th', ['scope' => 'col'], $say($label));
        }
        return html::div(['class' => 'formcontent'], html::tag('h2', null, $say('sizestitle')) . html::p(null, $say('sizesintro'))
            . html::div(['class' => 'malleposte-wide'], html::tag('table', ['class' => 'table malleposte-table malleposte-sizes'],
                html::tag('thead', null, html::tag('tr', null, $head)) . html::tag('tbody', null, $rows))));
    }

    /** Folder => `size` and `count`; without those of others, which count against their own. */
    private function folders(): array
    {
        $storage = $this->rc->get_storage();
        $folders = [];
        foreach ($storage->list_folders('', '*', 'mail') as $name) {
            if ($storage->folder_namespace($name) !== 'personal') {
                continue;
            }
            // Roundcube cannot read the answers to one question for all folders.
            $told = $storage->conn->status($name, ['MESSAGES', 'SIZE']);
            if (isset($told['SIZE'])) {
                $folders[$name] = ['size' => (int) $told['SIZE'], 'count' => (int) $told['MESSAGES']];
            }
        }
        uasort($folders, fn ($one, $other) => $other['size'] <=> $one['size']);
        return $folders;
    }
}
