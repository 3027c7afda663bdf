<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The original of a message, as message/rfc822, to the DSI's box. It goes out as any mail of the agent. */
final class agents_report
{
    public function __construct(private readonly rcmail $rc, private readonly string $to)
    {
    }

    /** Whether it left. */
    public function send(string $folder, string $uid, string $subject, string $text): bool
    {
        $identity = $this->rc->user->get_identity();
        $storage = $this->rc->get_storage();
        $storage->set_folder($folder);
        $original = $storage->get_raw_body($uid);
        if (!$identity || $this->to === '' || !is_string($original) || $original === '') {
            return false;
        }
        $message = new Mail_mime("\r\n");
        $message->setParam('text_charset', RCUBE_CHARSET);
        $message->setParam('head_charset', RCUBE_CHARSET);
        $message->setParam('text_encoding', 'quoted-printable');
        $message->setTXTBody($text);
        // A message inside a message may have no encoding of its own but these (RFC 2046, 5.2.1).
        $encoding = preg_match('/[^\x00-\x7f]/', $original) ? '8bit' : '7bit';
        $message->addAttachment($original, 'message/rfc822', 'original.eml', false, $encoding, 'attachment');
        $message->headers([
            'Date' => $this->rc->user_date(),
            'From' => format_email_recipient($identity['email'], (string) $identity['name']),
            'To' => $this->to,
            'Subject' => $subject,
            'Message-ID' => $this->rc->gen_message_id($identity['email']),
            'X-Malleposte-Report' => 'yes',
        ]);
        return (bool) $this->rc->deliver_message($message, $identity['email'], $this->to, $error);
    }
}
