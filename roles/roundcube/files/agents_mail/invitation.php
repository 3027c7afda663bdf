<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** An invitation in a message (RFC 5546): what it says, and the answer, which goes to the organizer by mail (RFC 6047). */
final class agents_invitation
{
    /** The answers that are offered, and their names in a calendar. */
    public const ANSWERS = ['accept' => 'ACCEPTED', 'maybe' => 'TENTATIVE', 'decline' => 'DECLINED'];
    private const COPIED = ['UID', 'SEQUENCE', 'RECURRENCE-ID', 'DTSTART', 'DTEND', 'DURATION', 'SUMMARY', 'ORGANIZER'];
    private const MOST = 262144;

    private const HEAD = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Malleposte//Webmail//FR'];

    /** The lines of each event, each with the name of its property; those of alarms have none. The first event is the whole of a series. */
    private array $events = [];
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
                if ($inside === ['VCALENDAR', 'VEVENT']) {
                    $this->events[] = [];
                }
            }
            if (($inside[1] ?? '') === 'VTIMEZONE') {
                $this->zones[] = $line;
            } elseif ($inside === ['VCALENDAR', 'VEVENT'] && $name !== 'BEGIN' && $name !== 'END') {
                $this->events[array_key_last($this->events)][] = [$name, $line];
            } elseif (array_slice($inside, 0, 3) === ['VCALENDAR', 'VEVENT', 'VALARM']) {
                $this->events[array_key_last($this->events)][] = ['', $line];
            } elseif ($inside === ['VCALENDAR'] && $name === 'METHOD') {
                $this->method = $block;
            }
            if ($name === 'END') {
                array_pop($inside);
            }
        }
    }

    /** The address among these that is invited, or nothing. */
    public function invited(array $addresses): string
    {
        return $this->method === 'REQUEST' ? $this->guest($addresses) : '';
    }

    /** The address among these whose meeting the organizer has called off, or nothing. */
    public function called_off(array $addresses): string
    {
        return $this->method === 'CANCEL' ? $this->guest($addresses) : '';
    }

    /** The address among these that is among the guests, or nothing. */
    public function guest(array $addresses): string
    {
        foreach ($this->all('ATTENDEE') as $line) {
            if (in_array($address = self::address($line), $addresses, true)) {
                return $address;
            }
        }
        return '';
    }

    public function uid(): string
    {
        return $this->text('UID');
    }

    public function sequence(): int
    {
        return (int) $this->text('SEQUENCE');
    }

    /** Whether one day of a series is meant, not the whole. */
    public function one_of_a_series(): bool
    {
        return (bool) $this->all('RECURRENCE-ID');
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
            if (preg_match('~:(https?://.+)~i', self::end($line, '\s"<>'), $found)) {
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
        $lines = [...self::HEAD, 'METHOD:REPLY', ...$this->zones, 'BEGIN:VEVENT'];
        foreach ($this->events[0] ?? [] as [$name, $line]) {
            if (in_array($name, self::COPIED, true)) {
                $lines[] = $line;
            }
        }
        array_push($lines, 'DTSTAMP:' . gmdate('Ymd\THis\Z'), "ATTENDEE;PARTSTAT=$answer:mailto:$address", 'END:VEVENT');
        return self::calendar($lines);
    }

    /**
     * The meeting as a guest keeps it: as the organizer wrote it, with the guest's own answer and alarms.
     * One day of a series takes its place among the other days that the agenda has.
     */
    public function kept(string $address, string $answer, ?self $known): string
    {
        $mine = [];
        foreach ($known ? $known->events : [] as $event) {
            $mine[self::day($event)] = $event;
        }
        $days = $this->one_of_a_series() ? $mine : [];
        foreach ($this->events as $event) {
            $day = self::day($event);
            $days[$day] = [
                ...array_map(fn ($one) => [$one[0], self::answered($one, $address, $answer)], self::alarms($event, false)),
                ...self::alarms($mine[$day] ?? $mine[''] ?? [], true),
            ];
        }
        ksort($days);
        $zones = $this->by_zone() + ($known ? $known->by_zone() : []);
        $lines = [...self::HEAD, ...array_merge([], ...array_values($zones))];
        foreach ($days as $event) {
            $lines = [...$lines, 'BEGIN:VEVENT', ...array_column($event, 1), 'END:VEVENT'];
        }
        return self::calendar($lines);
    }

    /** The lines of an event's alarms, or all but these. */
    private static function alarms(array $event, bool $wanted): array
    {
        return array_filter($event, fn ($one) => ($one[0] === '') === $wanted);
    }

    /** The day of a series that an event stands for; empty for the whole. */
    private static function day(array $event): string
    {
        foreach ($event as [$name, $line]) {
            if ($name === 'RECURRENCE-ID') {
                return substr($line, (int) strrpos($line, ':') + 1);
            }
        }
        return '';
    }

    private static function answered(array $one, string $address, string $answer): string
    {
        [$name, $line] = $one;
        if ($name !== 'ATTENDEE' || $address === '' || self::address($line) !== $address) {
            return $line;
        }
        return 'ATTENDEE;PARTSTAT=' . $answer . substr(preg_replace('/;(PARTSTAT|RSVP)=[^;:"]*/i', '', $line), strlen('ATTENDEE'));
    }

    /** The lines of each time zone, by its name. */
    private function by_zone(): array
    {
        $zones = [];
        $lines = [];
        $name = '';
        foreach ($this->zones as $line) {
            $lines[] = $line;
            $name = preg_match('/^TZID[;:](.*)$/i', $line, $found) ? $found[1] : $name;
            if (preg_match('/^END:VTIMEZONE\s*$/i', $line)) {
                $zones[$name] = $lines;
                $lines = [];
            }
        }
        return $zones;
    }

    private static function calendar(array $lines): string
    {
        return implode("\r\n", array_map([self::class, 'folded'], [...$lines, 'END:VCALENDAR', '']));
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
        return array_column(array_filter($this->events[0] ?? [], fn ($one) => $one[0] === $name), 1);
    }

    private function text(string $name): string
    {
        $value = preg_replace('/^[^:"]*(?:"[^"]*"[^:"]*)*:/', '', $this->all($name)[0] ?? '');
        return trim(preg_replace('/\s+/', ' ', strtr($value, ['\\n' => ' ', '\\N' => ' ', '\\,' => ',', '\\;' => ';', '\\\\' => '\\'])));
    }

    private static function address(string $line): string
    {
        return preg_match('/:mailto:(.+)/i', self::end($line, '\s'), $found) ? strtolower($found[1]) : '';
    }

    /** A line behind the last of some signs. What is looked for there is looked for once, however often a stranger begins it. */
    private static function end(string $line, string $signs): string
    {
        $parts = preg_split("/[$signs]/", $line);
        return end($parts);
    }
}
