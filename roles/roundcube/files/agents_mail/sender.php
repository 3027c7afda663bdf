<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** Where a message comes from, and how our own mail server proved its sender (RFC 8601). */
final class agents_sender
{
    public readonly string $address;
    private readonly string $domain;
    private readonly string $name;
    /** @var array<string, string> Method => result, of our own server's topmost header. */
    private readonly array $results;

    /**
     * @param array  $headers Authentication-Results, topmost first. Ours alone counts; the others are what a stranger wrote.
     * @param string $ours    The academy's mail domain.
     * @param string $server  The name under which our server writes that header.
     */
    public function __construct(string $from, array $headers, private readonly string $ours, string $server)
    {
        $parsed = rcube_mime::decode_address_list($from, 1);
        $first = reset($parsed) ?: [];
        $this->address = mb_strtolower((string) ($first['mailto'] ?? ''));
        $this->name = (string) ($first['name'] ?? '');
        $this->domain = substr((string) strrchr($this->address, '@'), 1);
        $this->results = $this->read($headers, $server);
    }

    /** @return array<string, string> */
    public function results(): array
    {
        return $this->results;
    }

    /** What to say: `outside`, `unproved`, `claims` (the shown name is another address). */
    public function remarks(): array
    {
        $remarks = [];
        if (!$this->inside()) {
            $remarks[] = 'outside';
            if (!$this->proved()) {
                $remarks[] = 'unproved';
            }
        }
        elseif ($this->results && !$this->proved()) {
            $remarks[] = 'unproved';
        }
        if (preg_match('/[^\s<>"@]+@([^\s<>"@]+\.[^\s<>"@]+)/', $this->name, $shown)
            && mb_strtolower($shown[0]) !== $this->address) {
            $remarks[] = 'claims';
        }
        return $remarks;
    }

    private function inside(): bool
    {
        return $this->domain === $this->ours || str_ends_with($this->domain, '.' . $this->ours);
    }

    /** Whether the address that readers see was proved: DMARC passed; or, where the domain has no DMARC, DKIM or SPF did. */
    private function proved(): bool
    {
        $dmarc = $this->results['dmarc'] ?? 'none';
        if ($dmarc !== 'none') {
            return $dmarc === 'pass';
        }
        return in_array('pass', [$this->results['dkim'] ?? '', $this->results['spf'] ?? ''], true);
    }

    /** @return array<string, string> */
    private function read(array $headers, string $server): array
    {
        $found = [];
        $header = (string) reset($headers);
        if (!preg_match('/^\s*' . preg_quote($server, '/') . '\s*;/i', $header)) {
            return [];
        }
        foreach (['dmarc', 'dkim', 'spf'] as $method) {
            if (preg_match_all("/[;\\s]$method\\s*=\\s*([a-z]+)/i", $header, $hits)) {
                $all = array_map('strtolower', $hits[1]);
                // Of several signatures one that holds is enough.
                $one = in_array('pass', $all, true) ? 'pass' : $all[0];
                $found[$method] = in_array($one, ['pass', 'none'], true) ? $one : 'fail';
            }
        }
        return $found;
    }
}
