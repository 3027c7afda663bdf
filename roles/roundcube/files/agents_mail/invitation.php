<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** An invitation in a message (RFC 5546): what it says, and the answer, which goes to the organizer by mail (RFC 6047). */
final class agents_invitation
{
    /** The answers that are offered, and their names in a calendar. */
    public const ANSWERS = ['accept' => 'ACCEPTED', 'maybe' => 'TENTATIVE', 'decline' => 'DECLINED'];
    private const COPIED = ['UID', 'SEQUENCE', 'RECURRENCE-ID', 'DTSTART', 'DTEND', 'DURATION', 'SUMMARY', 'ORGANIZER'];
    private const MOST = 262144;

    /** The lines of the event, each with the name of its property; those within an alarm are left out. */
    private array $event = [];
    /** The time zones, which the answer needs as well. */
    private array $zones = [];
    private string $method = '';

    public static function of(rcube_message $message): self
    {
        foreach ((array) $message->mime_parts as $id => $part) {
            if ($part->mimetype === 'text/calendar' && $part->size < self::MOST) {
                return new self((string) $message->get_part_body((string) $id, true));
            }
        }
        return new self('');
    }

    public function __construct(string $text)
    {
        $inside = [];
        foreach (preg_split('/\r?\n/', preg_replace('/\r?\n[ \t]/', '', $text)) as $line) {
            if (!preg_match('/^([A-Z0-9-]+)([;:].*)$/i', $line, $found)) {
                continue;
            }
            $name = strtoupper($found[1]);
            $block = strtoupper(trim(substr($found[2], 1)));
            if ($name === 'BEGIN') {
                $inside[] = $block;
            }
            if (($inside[1] ?? '') === 'VTIMEZONE') {
                $this->zones[] = $line;
            } elseif ($inside === ['VCALENDAR', 'VEVENT'] && $name !== 'BEGIN' && $name !== 'END') {
                $this->event[] = [$name, $line];
            } elseif ($inside === ['VCALENDAR'] && $name === 'METHOD') {
                $this->method = $block;
            }
            if ($name === 'END') {
                array_pop($inside);
                // The first event is the whole of a series; its exceptions follow.
                if ($block === 'VEVENT') {
                    break;
                }
            }
        }
    }

    /** The address among these that is invited, or nothing. */
    public function invited(array $addresses): string
    {
        foreach ($this->method === 'REQUEST' ? $this->all('ATTENDEE') : [] as $line) {
            if (in_array($address = self::address($line), $addresses, true)) {
                return $address;
            }
        }
        return '';
    }

    public function organizer(): string
    {
        $address = self::address($this->all('ORGANIZER')[0] ?? '');
        return rcube_utils::check_email($address, false) ? $address : '';
    }

    public function title(): string
    {
        return $this->text('SUMMARY');
    }

    public function place(): string
    {
        return $this->text('LOCATION');
    }

    /** The address of a meeting by video, or nothing. */
    public function link(): string
    {
        foreach ([...$this->all('ATTACH'), ...$this->all('URL'), ...$this->all('CONFERENCE')] as $line) {
            if (preg_match('~:(https?://[^\s"<>]+)$~i', $line, $found)) {
                return $found[1];
            }
        }
        return '';
    }

    /** When it begins, or nothing; and whether it takes whole days. */
    public function start(): array
    {
        $line = $this->all('DTSTART')[0] ?? '';
        if (!preg_match('/:(\d{8})(?:T(\d{4}))?\d*(Z?)\s*$/', $line, $found)) {
            return [null, false];
        }
        $zone = preg_match('/TZID="?([^";:]+)/', $line, $named) ? $named[1] : date_default_timezone_get();
        try {
            $known = new DateTimeZone($found[3] ? 'UTC' : $zone);
        } catch (Exception) {
            $known = new DateTimeZone(date_default_timezone_get());
        }
        return [DateTime::createFromFormat('Ymd Hi', "$found[1] " . ($found[2] ?: '0000'), $known) ?: null, $found[2] === ''];
    }

    /** The answer of an address, as a calendar. */
    public function reply(string $address, string $answer): string
    {
        $lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Malleposte//Webmail//FR', 'METHOD:REPLY', ...$this->zones, 'BEGIN:VEVENT'];
        foreach ($this->event as [$name, $line]) {
            if (in_array($name, self::COPIED, true)) {
                $lines[] = $line;
            }
        }
        array_push($lines, 'DTSTAMP:' . gmdate('Ymd\THis\Z'), "ATTENDEE;PARTSTAT=$answer:mailto:$address", 'END:VEVENT', 'END:VCALENDAR', '');
        return implode("\r\n", array_map([self::class, 'folded'], $lines));
    }

    /** A line in pieces of at most 75 octets (RFC 5545, section 3.1). */
    private static function folded(string $line): string
    {
        $pieces = [];
        for (; strlen($line) > 74; $line = substr($line, strlen($piece))) {
            $pieces[] = $piece = mb_strcut($line, 0, 74, 'UTF-8');
        }
        return implode("\r\n ", [...$pieces, $line]);
    }

    private function all(string $name): array
    {
        return array_column(array_filter($this->event, fn ($one) => $one[0] === $name), 1);
    }

    private function text(string $name): string
    {
        $value = preg_replace('/^[^:"]*(?:"[^"]*"[^:"]*)*:/', '', $this->all($name)[0] ?? '');
        return trim(preg_replace('/\s+/', ' ', strtr($value, ['\\n' => ' ', '\\N' => ' ', '\\,' => ',', '\\;' => ';', '\\\\' => '\\'])));
    }

    private static function address(string $line): string
    {
        return preg_match('/:mailto:([^\s]+)$/i', $line, $found) ? strtolower($found[1]) : '';
    }
}
