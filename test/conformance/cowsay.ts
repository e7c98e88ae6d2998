import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Prints its arguments as a cow would say them. */
const PROGRAM = String.raw`#!/bin/sh
text=$*
width=$(printf '  %s' "$text" | wc -m)
line() { i=0; while [ "$i" -lt "$width" ]; do printf '%s' "$1"; i=$((i + 1)); done; }
printf ' %s\n< %s >\n %s\n' "$(line _)" "$text" "$(line -)"
cat << 'COW'
        \   ^__^
         \  (oo)\_______
            (__)\       )\/\
                ||----w |
                ||     ||
COW
`;

/** Puts a stand-in for cowsay where programs are looked for, in the file system of an image at `root`. */
export const writeCowsay = async (root: string): Promise<void> => {
  const programs = path.join(root, 'usr', 'local', 'bin');
  await mkdir(programs, { recursive: true });
  await writeFile(path.join(programs, 'cowsay'), PROGRAM);
  await chmod(path.join(programs, 'cowsay'), 0o755);
};
