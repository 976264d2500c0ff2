/**
 * glibc keeps what decoders free, hundreds of megabytes in each thread of a server, unless a setting of its environment is there
 * when a process starts (mallopt(3), M_TRIM_THRESHOLD).
 */

const SETTING = { MALLOC_TRIM_THRESHOLD_: '131072' };

/** Whether this process is to serve and has no such setting. */
function isLacking() {
  const lacks = process.env.MALLOC_TRIM_THRESHOLD_ === undefined;
  return lacks && process.argv[2] === 'serve' && process.platform === 'linux';
}

/** For a process that is started to do the same. */
export function environmentToServe() {
  return isLacking() ? { ...process.env, ...SETTING } : process.env;
}

/**
 * In its own place, so that its id and who waits for it stay. A Node without `execve` serves with more memory, and so does process
 * 1: while another Node starts in its place, the kernel would drop its signals. The image of the server has the setting.
 */
export function restartToServe() {
  if (!isLacking() || process.pid === 1) return;
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, args, environmentToServe());
}
