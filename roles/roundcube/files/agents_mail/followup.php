<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** « Suivi »: what is to be done, under way and done, of all folders, by the labels that messages bear. */
final class agents_followup
{
    private const ACTION = 'plugin.malleposte-followup';
    private const MOST = 200;

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        $plugin->register_action(self::ACTION, [$this, 'page']);
    }

    /** The way to it, beside those to mail and contacts. */
    public function button(): void
    {
        if ($this->labels()) {
            $this->plugin->add_button([
                'type' => 'link',
                'href' => './?_task=mail&_action=' . self::ACTION,
                'label' => 'followup',
                'title' => 'followuptitle',
                'class' => $this->rc->action === self::ACTION ? 'followup selected' : 'followup',
                'domain' => $this->plugin->ID,
                'innerclass' => 'inner',
            ], 'taskbar');
        }
    }

    public function page()
    {
        $this->plugin->register_handler('plugin.body', [$this, 'body']);
        $this->rc->output->set_pagetitle($this->plugin->gettext('followuptitle'));
        $this->rc->output->send('plugin');
    }

    public function body(): string
    {
        $say = fn (string $label) => rcube::Q($this->plugin->gettext($label));
        $found = $this->find();
        $groups = '';
        foreach ($this->labels() as $label => $name) {
            $rows = implode('', array_map($this->row(...), $found[$label] ?? []));
            $groups .= html::tag('h3', null, rcube::Q($name) . ' ' . html::span(['class' => 'hint'], '(' . count($found[$label] ?? []) . ')'))
                . ($rows === '' ? html::p(['class' => 'hint'], $say('followupnone')) : html::tag('ul', ['class' => 'malleposte-list'], $rows));
        }
        return html::div(['class' => 'formcontent'],
            html::tag('h2', null, $say('followuptitle')) . html::p(null, $say('followupintro')) . $groups);
    }

    private function row(rcube_message_header $header): string
    {
        $subject = trim(rcube_mime::decode_header((string) $header->subject, $header->charset));
        $link = ['_task' => 'mail', '_mbox' => $header->folder, '_uid' => $header->uid, '_action' => 'show'];
        $told = [
            rcube_mime::decode_header((string) $header->from, $header->charset),
            $this->rc->format_date($header->timestamp),
            $this->rc->localize_foldername($header->folder),
        ];
        return html::tag('li', null, html::a(['href' => './?' . http_build_query($link)], rcube::Q($subject ?: $this->rc->gettext('nosubject')))
            . html::span(['class' => 'hint'], rcube::Q(implode(' · ', array_filter($told)))));
    }

    /** Label => messages that bear it, the newest first; without trash and junk. */
    private function find(): array
    {
        $storage = $this->rc->get_storage();
        $labels = array_keys($this->labels());
        $criteria = str_repeat('OR ', count($labels) - 1) . implode(' ', array_map(fn ($one) => "KEYWORD \$$one", $labels));
        $without = [$this->rc->config->get('trash_mbox'), $this->rc->config->get('junk_mbox')];
        $found = [];
        foreach (array_diff($storage->list_folders_subscribed('', '*', 'mail'), $without) as $folder) {
            $uids = $storage->search_once($folder, $criteria)->get();
            foreach ($uids ? $storage->fetch_headers($folder, array_slice($uids, -self::MOST), false) : [] as $header) {
                $header->folder = $folder;
                foreach ($labels as $label) {
                    if (isset($header->flags[$label]) || isset($header->flags["\$$label"])) {
                        $found[$label][] = $header;
                    }
                }
            }
        }
        foreach ($found as &$headers) {
            usort($headers, fn ($one, $other) => $other->timestamp <=> $one->timestamp);
            $headers = array_slice($headers, 0, self::MOST);
        }
        return $found;
    }

    /** Label => name, which the agent may have changed. */
    private function labels(): array
    {
        $names = (array) $this->rc->config->get('tb_label_custom_labels');
        $labels = [];
        foreach ((array) $this->rc->config->get('agents_followup') as $number) {
            $labels["LABEL$number"] = (string) ($names["LABEL$number"] ?? '') ?: "Label $number";
        }
        return $labels;
    }
}
