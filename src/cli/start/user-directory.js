/** npm goes to the package's root before it runs a script of it, and says where the user stood: names of files are from there. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param {NodeJS.ProcessEnv} environment as npm sets it
 * @param {string} root of this package
 * @param {string} current directory
 * @returns {string | null} null where no script of this package runs in its root
 */
export function userDirectory({ INIT_CWD, npm_package_json, npm_lifecycle_script }, root, current) {
  if (!INIT_CWD || !npm_package_json || !npm_lifecycle_script?.startsWith('node src/cli/launch.js'))
    return null;
  const own = realpathSync(join(root, 'package.json'));
  const isOurs = existsSync(npm_package_json) && realpathSync(npm_package_json) === own;
  return isOurs && realpathSync(current) === dirname(own) ? INIT_CWD : null;
}
