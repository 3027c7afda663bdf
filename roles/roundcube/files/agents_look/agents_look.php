<?php
// SPDX-License-Identifier: GPL-3.0-or-later

require_once __DIR__ . '/french.php';

/**
 * The academy's look and words.
 *
 * It comes first among the plugins: a text that it has corrected is not overwritten when its own plugin brings it.
 */
class agents_look extends rcube_plugin
{
    public function init()
    {
        $rc = rcmail::get_instance();
        if ($rc->output->type === 'html') {
            $this->include_stylesheet('brand/academy.css');
            $this->include_script('look.js');
        }
        // The language of this visit; what the agent chooses counts from the next page on.
        $rc->load_language($_SESSION['language'] ?? null);
        if (str_starts_with((string) ($_SESSION['language'] ?? ''), 'fr')) {
            $rc->load_language($_SESSION['language'], [], agents_french::corrected(
                $this->texts($rc, $_SESSION['language']),
                (array) $rc->config->get('agents_words'),
                (array) $rc->config->get('agents_texts'),
            ));
        }
    }

    /** The packages' own texts: Roundcube's, and those of each plugin under its name. */
    private function texts(rcmail $rc, string $language): array
    {
        $texts = [];
        foreach (['labels', 'messages'] as $kind) {
            $texts = rcube::read_localization_file(RCUBE_LOCALIZATION_DIR . "$language/$kind.inc", $texts);
        }
        foreach ((array) $rc->config->get('plugins') as $plugin) {
            $file = RCUBE_PLUGINS_DIR . "$plugin/localization/$language.inc";
            foreach (rcube::read_localization_file($file) as $name => $text) {
                $texts["$plugin.$name"] = $text;
            }
        }
        return $texts;
    }
}
