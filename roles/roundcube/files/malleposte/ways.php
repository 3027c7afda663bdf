<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * Ways out to the log-in page that wait for their way back, in the browser that went: one cookie each, so that tabs that go out
 * at once take nothing from each other. A visitor has no row in the database, which anybody could fill.
 *
 * Nothing in them is secret from the browser. No other host can set them (`__Host-`), and no script reads them.
 */
final class malleposte_ways
{
    private const COOKIE = '__Host-way-';
    private const SECONDS = 900;
    /** Octets of the page that was wanted, and of all ways: the headers of a request have 8 kB. */
    private const WANTED = 1000;
    private const ROOM = 4000;

    /** A new way out: state, nonce and verifier, each of its own (RFC 6749, 10.12; RFC 7636). */
    public static function begin(string $wanted): array
    {
        $state = bin2hex(random_bytes(16));
        $way = [
            'nonce' => bin2hex(random_bytes(16)), 'verifier' => bin2hex(random_bytes(32)),
            'wanted' => substr($wanted, 0, self::WANTED), 'until' => time() + self::SECONDS,
        ];
        self::make_room();
        self::keep(self::COOKIE . $state, strtr(base64_encode(http_build_query($way)), '+/', '-_'), $way['until']);
        return ['state' => $state] + $way;
    }

    /** The way out of this state, once. */
    public static function take(string $state): ?array
    {
        if (!preg_match('/\A[0-9a-f]{32}\z/', $state)) {
            return null;
        }
        $way = self::read(self::COOKIE . $state);
        self::keep(self::COOKIE . $state, '', 1);
        return $way !== null && $way['until'] > time() ? $way : null;
    }

    private static function read(string $name): ?array
    {
        parse_str((string) base64_decode(strtr((string) ($_COOKIE[$name] ?? ''), '-_', '+/'), true), $way);
        $texts = array_filter($way, 'is_string');
        return isset($texts['nonce'], $texts['verifier'], $texts['until']) ? $texts + ['wanted' => ''] : null;
    }

    /** The oldest ways go where there are too many. */
    private static function make_room(): void
    {
        $ways = [];
        foreach (array_keys($_COOKIE) as $name) {
            if (str_starts_with((string) $name, self::COOKIE)) {
                $ways[$name] = (int) (self::read($name)['until'] ?? 0);
            }
        }
        arsort($ways);
        $size = 0;
        foreach (array_keys($ways) as $name) {
            $size += strlen($name) + strlen((string) $_COOKIE[$name]);
            if ($size > self::ROOM) {
                self::keep($name, '', 1);
            }
        }
    }

    private static function keep(string $name, string $value, int $until): void
    {
        setcookie($name, $value, [
            'expires' => $until, 'path' => '/', 'secure' => true, 'httponly' => true, 'samesite' => 'Lax',
        ]);
    }
}
