/** Putting one file in another's place without losing what somebody writes at the same moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidRequest } from '../errors.ts';
import { codeOf } from './system-error.ts';

/** renameat2(2), which Node has no call for; its number by processor. */
const RENAMEAT2: Partial<Record<NodeJS.Architecture, number>> = { x64: 316, arm64: 276 };

const DONE = 0;
const CHANGED = 3;
const HELD = 4;

/**
 * Every Debian and most other Linuxes have perl. The read lease (fcntl(2), F_SETLEASE) is refused while somebody has the file
 * open for writing, and lets others wait to open it so until the exchange is done or undone; where a file system has no leases, it
 * goes without. Signals do not come between, Ctrl-C among them. An exchange is undone until what comes out is what went in: whatever somebody put there meanwhile is the latest.
 */
const PERL = `
  my ($number, $new, $target) = @ARGV;
  sub exchange { syscall($number + 0, -100, $new, -100, $target, 2) == 0 }
  sub inode { (lstat $_[0])[1] }
  my ($SETLEASE, $GETLEASE, $RDLCK, $EAGAIN) = (1024, 1025, 0, 11);
  local $/;
  $SIG{$_} = 'IGNORE' for qw(IO INT HUP TERM);
  binmode STDIN;
  my $read = <STDIN>;
  open(my $file, '<:raw', $target) or exit 1;
  my $leased = fcntl($file, $SETLEASE, $RDLCK);
  exit ${CHANGED} if !$leased && $! == $EAGAIN;
  my $now = <$file>;
  exit ${CHANGED} if $now ne $read;
  my ($old, $put) = ((stat $file)[1], inode($new));
  exchange() or exit 1;
  my $lease = fcntl($file, $GETLEASE, 0);
  exit ${DONE} if inode($new) == $old && (!$leased || (defined $lease && $lease == $RDLCK));
  for (;;) {
    my $edit = inode($new);
    exchange() or exit ${HELD};
    last if inode($new) == $put;
    $put = $edit;
  }
  exit ${CHANGED};
`;

/** Two edits at the same moment, which both have to stay. */
export class EditHeld extends InvalidRequest {
  constructor(file: string, target: string) {
    super(`${target} was written twice meanwhile; one of both is in ${file}: compare them`);
  }
}

/** Where a file waits that cannot be exchanged. */
export function asideOf(file: string): string {
  return join(dirname(dirname(file)), 'aside');
}

/**
 * The new file gets the name of the target, if that still holds what was read, and the old one that of the new. On Linux in one
 * step: there is no moment without a file. Elsewhere the target is away while it is compared, and lies in `asideOf(file)` should
 * the process be killed meanwhile.
 * @param file the new one, in a directory of a directory of one's own; like `target` an absolute path
 * @returns whether it was done; false when somebody has written the target or is about to
 * @throws system errors; EditHeld
 */
export async function swapIfUnchanged(file: string, target: string, read: Uint8Array): Promise<boolean> {
  const number = RENAMEAT2[process.arch];
  const status =
    process.platform === 'linux' && number !== undefined ? await exchange(number, file, target, read) : null;
  if (status === DONE || status === CHANGED) return status === DONE;
  if (status === HELD) throw new EditHeld(file, target);
  return swapByNames(file, target, read);
}

/** @returns the status of the program; `null` when there is none */
async function exchange(
  number: number,
  file: string,
  target: string,
  read: Uint8Array,
): Promise<number | null> {
  const perl = spawn('perl', ['-e', PERL, '--', String(number), file, target], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  perl.stdin.on('error', () => undefined); // it need not read all
  perl.stdin.end(read);
  try {
    const [status] = await once(perl, 'exit');
    return status;
  } catch {
    // There is no perl.
  }
  return null;
}

/** Blocking: nothing of this process may come between. */
function swapByNames(file: string, target: string, read: Uint8Array): boolean {
  const aside = asideOf(file);
  renameSync(target, aside);
  const isSame = readFileSync(aside).equals(read);
  try {
    putIfFree(isSame ? file : aside, target);
  } catch (error) {
    // Made anew by somebody, so that what was there is old.
    if (codeOf(error) === 'EEXIST' && isSame) return false;
    if (!isSame) throw new EditHeld(aside, target);
    putIfFree(aside, target);
    throw error;
  }
  if (isSame) renameSync(aside, file);
  return isSame;
}

/**
 * Gives a file another name, if that is free.
 * @throws a system error; EEXIST when it is not
 */
export function putIfFree(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    // FAT has no links, so what is nearly as good has to do.
    if (codeOf(error) === 'EEXIST' || existsSync(to)) throw error;
    renameSync(from, to);
    return;
  }
  unlinkSync(from);
}
