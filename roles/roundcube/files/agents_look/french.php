<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The packages' French, in the words of France. */
final class agents_french
{
    /**
     * The texts that change, with their new wording: those that hold one of the words, then the single ones.
     *
     * @param array $texts  Name => text.
     * @param array $words  Pairs of a regular expression that begins a word and of what replaces it; also with a capital.
     * @param array $single Name => text, whatever the package says.
     */
    public static function corrected(array $texts, array $words, array $single): array
    {
        $patterns = [];
        $replacements = [];
        foreach ($words as ['from' => $from, 'to' => $to]) {
            $patterns[] = "/(?<!\\w)$from/u";
            $replacements[] = $to;
            $patterns[] = '/(?<!\w)' . self::capital($from) . '/u';
            $replacements[] = self::capital($to);
        }
        // Few texts hold any of them: those are found in one go.
        $any = '/' . implode('|', array_column($words, 'from')) . '/iu';
        $found = $words ? (preg_grep($any, array_filter($texts, 'is_string')) ?: []) : [];
        return array_merge(preg_replace($patterns, $replacements, $found), $single);
    }

    private static function capital(string $text): string
    {
        return mb_strtoupper(mb_substr($text, 0, 1)) . mb_substr($text, 1);
    }
}
