<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * The agent's own agenda on the calendar server (RFC 4791), where the meetings of answered invitations are kept.
 *
 * The token by which the session reads mail opens it; no password is known here.
 */
final class agents_agenda
{
    private const SECONDS = 10;
    private const FIND = '<?xml version="1.0"?><c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/><c:calendar-data/></d:prop>'
        . '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:prop-filter name="UID"><c:text-match collation="i;octet">%s</c:text-match>'
        . '</c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>';

    private GuzzleHttp\Client $client;

    /** `$address`: of the collection, with a slash at its end. */
    public function __construct(rcmail $rc, private readonly string $address)
    {
        $this->client = self::client($rc);
    }

    /** What asks the calendar server in the name of the agent. */
    public static function client(rcmail $rc): GuzzleHttp\Client
    {
        return new GuzzleHttp\Client([
            'timeout' => self::SECONDS,
            'allow_redirects' => false,
            'verify' => $rc->config->get('oauth_verify_peer', true),
            'headers' => ['Authorization' => (string) $rc->decrypt((string) ($_SESSION['password'] ?? ''))],
        ]);
    }

    /** Address, version (ETag) and text of the meeting with this UID, or nothing. Throws what ends the question. */
    public function find(string $uid): ?array
    {
        $answer = $this->client->request('REPORT', $this->address, [
            'headers' => ['Depth' => '1', 'Content-Type' => 'application/xml; charset=utf-8'],
            'body' => sprintf(self::FIND, htmlspecialchars($uid, ENT_XML1 | ENT_QUOTES)),
        ]);
        $page = new DOMDocument();
        if (!$page->loadXML((string) $answer->getBody(), LIBXML_NONET)) {
            throw new RuntimeException('the calendar server does not answer in XML');
        }
        foreach ($page->getElementsByTagNameNS('DAV:', 'response') as $one) {
            $text = fn (string $space, string $name) => (string) $one->getElementsByTagNameNS($space, $name)->item(0)?->textContent;
            $content = $text('urn:ietf:params:xml:ns:caldav', 'calendar-data');
            $name = basename((string) parse_url($text('DAV:', 'href'), PHP_URL_PATH));
            // A text match may find more than the very UID.
            if ($name !== '' && (new agents_invitation($content))->uid() === $uid) {
                return [$name, $text('DAV:', 'getetag'), $content];
            }
        }
        return null;
    }

    /** Keep a meeting, new or in place of the one that was found. */
    public function keep(string $uid, string $content, ?array $found): void
    {
        $this->client->request('PUT', $this->address . ($found[0] ?? sha1($uid) . '.ics'), [
            'headers' => ['Content-Type' => 'text/calendar; charset=utf-8'] + ($found ? ['If-Match' => $found[1]] : ['If-None-Match' => '*']),
            'body' => $content,
        ]);
    }

    public function remove(array $found): void
    {
        $this->client->request('DELETE', $this->address . $found[0], ['headers' => ['If-Match' => $found[1]]]);
    }
}
