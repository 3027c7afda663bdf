<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** Messages that the agent deleted for good: the mail store keeps them for a while, below a folder that is not listed. */
final class agents_undelete
{
    private const ROOT = '.EXPUNGED/mail/';
    private const MOST = 200;

    public function __construct(private readonly rcmail $rc)
    {
    }

    /** A day as a field of dates writes it; false for what is no day. */
    public static function day(string $text): DateTimeImmutable|false
    {
        $day = DateTimeImmutable::createFromFormat('!Y-m-d', $text);
        return $day && $day->format('Y-m-d') === $text ? $day : false;
    }

    /**
     * The newest messages whose sender or subject holds the words, of the days from and to: each with `id`, `folder`, `from`, `subject`, `date`.
     */
    public function find(string $words, ?DateTimeImmutable $from = null, ?DateTimeImmutable $to = null): array
    {
        $storage = $this->rc->get_storage();
        $literal = rcube_imap_generic::escape($words, true);
        $criteria = implode(' ', array_filter([
            $from ? 'SENTSINCE ' . $from->format('j-M-Y') : '',
            $to ? 'SENTBEFORE ' . $to->modify('+1 day')->format('j-M-Y') : '',
            $words === '' ? '' : "OR HEADER FROM $literal HEADER SUBJECT $literal",
        ])) ?: 'ALL';
        $found = [];
        foreach ($storage->list_folders_direct('', self::ROOT . '*') as $folder) {
            $uids = $storage->search_once($folder, $criteria)->get();
            foreach ($storage->fetch_headers($folder, array_slice($uids, -self::MOST), false) as $header) {
                $found[] = [
                    'id' => "$header->uid $folder",
                    'folder' => $this->back($folder),
                    'from' => rcube_mime::decode_header((string) $header->from, $header->charset),
                    'subject' => rcube_mime::decode_header((string) $header->subject, $header->charset),
                    'date' => (int) $header->timestamp,
                ];
            }
        }
        usort($found, fn ($one, $other) => $other['date'] <=> $one['date']);
        return array_slice($found, 0, self::MOST);
    }

    /** Bring messages back; how many came, or false where one did not. */
    public function restore(array $ids): int|false
    {
        $storage = $this->rc->get_storage();
        $sets = [];
        foreach ($ids as $id) {
            if (preg_match('~^([1-9][0-9]{0,9}) (' . preg_quote(self::ROOT, '~') . '[^*%\x00-\x1f]+)$~D', (string) $id, $parts)) {
                $sets[$parts[2]][] = $parts[1];
            }
        }
        $done = 0;
        foreach ($sets as $folder => $uids) {
            $back = $this->back($folder);
            if (!$storage->folder_exists($back) && !$storage->create_folder($back, true)) {
                return false;
            }
            if (!$storage->move_message($uids, $back, $folder)) {
                return false;
            }
            $done += count($uids);
        }
        return $done;
    }

    /** Where a message of that folder comes back to: what was emptied from trash or junk, to the inbox. */
    private function back(string $folder): string
    {
        $name = substr($folder, strlen(self::ROOT));
        $config = $this->rc->config;
        return in_array($name, [$config->get('trash_mbox'), $config->get('junk_mbox')], true) ? 'INBOX' : $name;
    }
}
