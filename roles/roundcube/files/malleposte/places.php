<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * How many of PHP's processes one account, or one visitor's network, may hold at once; and all accounts of a network.
 *
 * Another one is given only while more are free than are held already: alone, an account has half of them; the more
 * accounts hold some, the less each has; and one that holds none is never refused (A. K. Choudhury, E. L. Hahne,
 * "Dynamic queue length thresholds for shared-memory packet switches", 1998, with a factor of 1).
 *
 * The network of all of these has a factor of 4: alone, it has four fifths, for an academy may come from one address.
 *
 * A place is a file that the process has locked. The kernel unlocks it whatever ends the process.
 */
final class malleposte_places
{
    private const NETWORK = 4;

    /** @var resource|null */
    private $held = null;

    /** The folder must be PHP's own; `$places` is how many processes there are. */
    public function __construct(private readonly string $folder, private readonly int $places)
    {
    }

    /** Whether this process may serve `$who`, who comes from `$network`. The place is then held until the request ends. */
    public function take(string $who, string $network): bool
    {
        $turn = $this->open('places.lock');
        flock($turn, LOCK_EX);
        $free = [];
        $mine = $near = 0;
        for ($number = 0; $number < $this->places; $number++) {
            $place = $this->open("place.$number");
            if (flock($place, LOCK_EX | LOCK_NB)) {
                $free[] = $place;
            }
            else {
                [$whose, $where] = explode("\n", stream_get_contents($place) . "\n");
                $mine += (int) ($whose === $who);
                $near += (int) ($where === $network);
            }
        }
        $admitted = ($mine === 0 || count($free) > $mine) && ($near === 0 || self::NETWORK * count($free) > $near);
        if ($admitted && $free) {
            $this->held = array_shift($free);
            ftruncate($this->held, 0);
            fwrite($this->held, "$who\n$network");
            fflush($this->held);
        }
        // Before the turn: the next one would count these as held, by whom they served last.
        foreach ($free as $place) {
            fclose($place);
        }
        fclose($turn);
        return $admitted;
    }

    /** @return resource */
    private function open(string $name)
    {
        $file = fopen("$this->folder/$name", 'c+');
        if ($file === false) {
            throw new RuntimeException("$this->folder/$name cannot be opened: make its owner PHP's user");
        }
        return $file;
    }
}
