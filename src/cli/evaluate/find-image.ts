/** Which of the files of a data set a captions file means. */
import { InvalidRequest } from '../../errors.ts';

/** As many of the paths or names that collide as an error lists. */
const SHOWN = 3;

/**
 * Finds names among paths: a path as it stands; else the one that ends with it, for data sets are packed in folders of
 * other names; else, where all lie in one folder, the one with the same last part, for captions keep the folders that
 * a data set had before it was flattened.
 * @param place of the data set, for messages
 * @param paths relative to it, with `/` between their parts
 * @returns the path of each name; `null` where there is none
 * @throws InvalidRequest where several paths would do for a name, or one for several names: scores would be another
 * picture's
 */
export function findImages(
  place: string,
  names: readonly string[],
  paths: readonly string[],
): Map<string, string | null> {
  const exact = new Set(paths);
  const byLastPart = Map.groupBy(paths, lastPart);
  const flat = new Set(paths.map(folderOf)).size === 1;
  const find = (asked: string) => {
    const name = asked.replaceAll('\\', '/').replace(/^\.?\//, '');
    if (exact.has(name)) return name;
    const namesakes = byLastPart.get(lastPart(name)) ?? [];
    const ending = namesakes.filter((path) => path.endsWith(`/${name}`));
    if (ending.length > 1) throw ambiguous(`${place}: ${asked} may mean`, ending);
    return ending[0] ?? (flat ? namesakes[0] : undefined) ?? null;
  };
  const found = new Map(names.map((name) => [name, find(name)]));
  for (const [path, askers] of Map.groupBy(names, (name) => found.get(name)!)) {
    if (path !== null && askers.length > 1) throw ambiguous(`${place}: ${path} is all there is for`, askers);
  }
  return found;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function ambiguous(what: string, list: readonly string[]): InvalidRequest {
  const more = list.length > SHOWN ? ` and ${list.length - SHOWN} more` : '';
  return new InvalidRequest(
    `${what} ${list.slice(0, SHOWN).join(', ')}${more}; give each image its whole path in the captions file`,
  );
}
