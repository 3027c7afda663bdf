<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * The agendas that the devices' router shows the agent (RFC 4791): their own and the published ones, and what they hold.
 *
 * No address comes from the browser: it knows an agenda by a digest of the address that was listed, and an event by its
 * address with a seal that this server put on it.
 */
final class agents_agendas
{
    /** Octets: of one event, of what an agenda says at once, and of all that a page gets. */
    public const EVENT = 262144;
    private const ANSWER = 4194304;
    private const PAGE = 8388608;
    private const LIST = '<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:i="http://apple.com/ns/ical/"><d:prop><d:resourcetype/>'
        . '<d:displayname/><i:calendar-color/><c:supported-calendar-component-set/><d:current-user-privilege-set/></d:prop></d:propfind>';
    /** Without an end, which would have the server walk through series: it then compares the first and the last day alone. */
    private const FROM = '<?xml version="1.0"?><c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/>%s</d:prop><c:filter>'
        . '<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range start="%s"/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>';
    private const DATA = '<c:calendar-data/>';
    private const SIZES = '<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:getcontentlength/></d:prop></d:propfind>';
    private const THESE = '<?xml version="1.0"?><c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/><c:calendar-data/></d:prop>%s</c:calendar-multiget>';
    private const CALDAV = 'urn:ietf:params:xml:ns:caldav';
    private const CARDDAV = 'urn:ietf:params:xml:ns:carddav';
    private const TYPE = ['Content-Type' => 'text/calendar; charset=utf-8'];

    private readonly GuzzleHttp\Client $client;
    private readonly string $origin;
    private int $room = self::PAGE;

    /** `$home`: the address of the agent's agendas, with a slash at its end; `$key` seals. */
    public function __construct(rcmail $rc, private readonly string $home, private readonly string $key)
    {
        $this->client = agents_agenda::client($rc);
        $this->origin = preg_replace('~^(https?://[^/]+).*~', '$1', $home);
    }

    /** Number => address, name, colour, and whether the agent may write there. */
    public function list(): array
    {
        $found = [];
        foreach ($this->answers('PROPFIND', $this->home, self::LIST, '1') as $one) {
            $is = fn (string $space, string $name) => $one->getElementsByTagNameNS($space, $name)->length > 0;
            $kinds = array_map(fn ($kind) => $kind->getAttribute('name'), iterator_to_array($one->getElementsByTagNameNS(self::CALDAV, 'comp')));
            if (!$is(self::CALDAV, 'calendar') || ($kinds && !in_array('VEVENT', $kinds, true))) {
                continue;
            }
            $href = self::text($one, 'DAV:', 'href');
            $colour = self::text($one, 'http://apple.com/ns/ical/', 'calendar-color');
            $found[substr(hash('sha256', $href), 0, 16)] = [
                'href' => $href,
                'name' => self::text($one, 'DAV:', 'displayname') ?: basename($href),
                'colour' => preg_match('/\A#[0-9a-fA-F]{6}/', $colour, $six) ? strtolower($six[0]) : '',
                'own' => $is('DAV:', 'write') || $is('DAV:', 'write-content'),
            ];
        }
        uasort($found, fn ($one, $other) => [$other['own'], $one['name']] <=> [$one['own'], $other['name']]);
        return $found;
    }

    /** Number => address and name of the address books that others write. */
    public function books(): array
    {
        $found = [];
        foreach ($this->answers('PROPFIND', $this->home, self::LIST, '1') as $one) {
            $is = fn (string $space, string $name) => $one->getElementsByTagNameNS($space, $name)->length > 0;
            if ($is(self::CARDDAV, 'addressbook') && !$is('DAV:', 'write') && !$is('DAV:', 'write-content')) {
                $href = self::text($one, 'DAV:', 'href');
                $found[substr(hash('sha256', $href), 0, 16)] = ['href' => $href, 'name' => self::text($one, 'DAV:', 'displayname') ?: basename($href)];
            }
        }
        return $found;
    }

    /** The cards of an address book, one after the other. */
    public function cards(string $href): string
    {
        return (string) $this->ask('GET', $this->origin . $href)->getBody();
    }

    /** The events of an agenda that end after a day, and how many were left out since they are too large. */
    public function events(string $href, string $from): array
    {
        $since = gmdate('Ymd\T000000\Z', (int) strtotime("$from UTC") - 2 * 86400);
        try {
            $answers = $this->answers('REPORT', $this->origin . $href, sprintf(self::FROM, self::DATA, $since), '1');
        }
        catch (agents_too_large) {
            return $this->small($href, $since);
        }
        return $this->bounded($answers, 0);
    }

    /** The same one by one, without those that are too large. */
    private function small(string $href, string $since): array
    {
        $wanted = [];
        foreach ($this->answers('REPORT', $this->origin . $href, sprintf(self::FROM, '', $since), '1') as $one) {
            $wanted[self::text($one, 'DAV:', 'href')] = true;
        }
        $room = self::ANSWER / 2;
        $few = '';
        $left = 0;
        foreach ($this->answers('PROPFIND', $this->origin . $href, self::SIZES, '1') as $one) {
            $name = self::text($one, 'DAV:', 'href');
            $size = (int) self::text($one, 'DAV:', 'getcontentlength');
            if (!isset($wanted[$name])) {
                continue;
            }
            if ($size > self::EVENT || $size > $room) {
                $left++;
                continue;
            }
            $room -= $size;
            $few .= '<d:href>' . htmlspecialchars($name, ENT_XML1 | ENT_QUOTES) . '</d:href>';
        }
        return $few === '' ? [[], $left] : $this->bounded($this->answers('REPORT', $this->origin . $href, sprintf(self::THESE, $few), '1'), $left);
    }

    private function bounded(array $answers, int $left): array
    {
        $events = [];
        foreach ($answers as $one) {
            $text = self::text($one, self::CALDAV, 'calendar-data');
            if ($text === '') {
                continue;
            }
            if (strlen($text) > min(self::EVENT, $this->room)) {
                $left++;
                continue;
            }
            $this->room -= strlen($text);
            $events[] = ['id' => $this->seal(self::text($one, 'DAV:', 'href')), 'etag' => self::text($one, 'DAV:', 'getetag'), 'text' => $text];
        }
        return [$events, $left];
    }

    /** An event as it is now: its version and its text. */
    public function event(string $href): array
    {
        $answer = $this->ask('GET', $this->origin . $href);
        return ['id' => $this->seal($href), 'etag' => $answer->getHeaderLine('ETag'), 'text' => (string) $answer->getBody()];
    }

    /** Put a new event into an agenda; one with this UID that is there already is not touched. */
    public function add(string $agenda, string $uid, string $text): void
    {
        $this->ask('PUT', $this->origin . $agenda . sha1($uid) . '.ics', self::TYPE + ['If-None-Match' => '*'], $text);
    }

    public function change(string $href, string $etag, string $text): void
    {
        $this->ask('PUT', $this->origin . $href, self::TYPE + ['If-Match' => $etag], $text);
    }

    /**
     * Keep a changed event in another agenda. It leaves the first one last: a move that was cut off shows it twice, and ends when
     * it is asked for again. An event with this UID that is there already is replaced.
     */
    public function move(string $href, string $etag, string $text, string $agenda): void
    {
        $copy = $agenda . basename($href);
        $there = $this->found($copy);
        $same = $there && (new agents_invitation($there['text']))->uid() === (new agents_invitation($text))->uid();
        $here = !$same || $this->found($href);
        $here && $this->change($href, $etag, $text);
        $this->ask('PUT', $this->origin . $copy, self::TYPE + ($same ? ['If-Match' => $there['etag']] : ['If-None-Match' => '*']), $text);
        $here && $this->remove($href, $this->event($href)['etag']);
    }

    /** An event as it is now, or nothing. */
    private function found(string $href): ?array
    {
        try {
            return $this->event($href);
        }
        catch (GuzzleHttp\Exception\ClientException $error) {
            if ($error->getResponse()->getStatusCode() !== 404) {
                throw $error;
            }
            return null;
        }
    }

    public function remove(string $href, string $etag): void
    {
        $this->ask('DELETE', $this->origin . $href, ['If-Match' => $etag]);
    }

    /** The agenda that holds an event. */
    public function of(string $href): string
    {
        return $this->origin . substr($href, 0, (int) strrpos($href, '/') + 1);
    }

    /** The address of an event that this server has sealed for this agent; empty for any other. */
    public function unseal(string $id): string
    {
        $href = (string) base64_decode(strtr(strstr($id, '.', true) ?: '', '-_', '+/'), true);
        return $href !== '' && hash_equals($this->seal($href), $id) ? $href : '';
    }

    private function seal(string $href): string
    {
        return rtrim(strtr(base64_encode($href), '+/', '-_'), '=') . '.' . substr(hash_hmac('sha256', "$this->home\n$href", $this->key), 0, 32);
    }

    /** The answers of the server, one a resource. */
    private function answers(string $method, string $address, string $question, string $depth): array
    {
        $answer = $this->ask($method, $address, ['Depth' => $depth, 'Content-Type' => 'application/xml; charset=utf-8'], $question);
        $page = new DOMDocument();
        if (!@$page->loadXML((string) $answer->getBody(), LIBXML_NONET)) {
            throw new RuntimeException('the calendar server does not answer in XML');
        }
        return iterator_to_array($page->getElementsByTagNameNS('DAV:', 'response'), false);
    }

    private function ask(string $method, string $address, array $headers = [], string $body = ''): Psr\Http\Message\ResponseInterface
    {
        try {
            return $this->client->request($method, $address, [
                'headers' => $headers, 'body' => $body, 'curl' => [CURLOPT_MAXFILESIZE => self::ANSWER],
            ]);
        }
        catch (GuzzleHttp\Exception\RequestException|GuzzleHttp\Exception\ConnectException $error) {
            if (($error->getHandlerContext()['errno'] ?? 0) === CURLE_FILESIZE_EXCEEDED) {
                throw new agents_too_large("$address says more than is read at once");
            }
            throw $error;
        }
    }

    private static function text(DOMElement $one, string $space, string $name): string
    {
        return trim((string) $one->getElementsByTagNameNS($space, $name)->item(0)?->textContent);
    }
}

/** The server says more than is read at once. */
final class agents_too_large extends RuntimeException
{
}
