<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The academy's template of a signature, filled; cli/malleposte/platform/signature.py does the same for SOGo. */
class malleposte_signature
{
    /** A line that would hold nothing of what it names is left out. */
    public static function filled(string $template, array $values): string
    {
        $lines = [];
        foreach (preg_split('/\R/u', trim($template)) as $line) {
            preg_match_all('/\{([^{}]*)\}/', $line, $names);
            if (!$names[1] || array_filter(array_intersect_key($values, array_flip($names[1])))) {
                $lines[] = trim(preg_replace_callback('/\{([^{}]*)\}/', fn ($name) => $values[$name[1]] ?? '', $line));
            }
        }
        return trim(implode("\n", $lines));
    }
}
