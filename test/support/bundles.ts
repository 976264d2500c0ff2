/** Copies of the default bundle, to damage. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import type { ShowAndTellManifest } from '../../src/model/manifest.ts';

type Manifest = ShowAndTellManifest;
export type Role = keyof Manifest['files'];

/** A bundle of Show and Tell, as the default one is. */
export async function readShowAndTell(directory = DEFAULT_BUNDLE): Promise<Bundle & { manifest: Manifest }> {
  const { manifest, ...bundle } = await readBundle(directory);
  if (manifest.formatVersion !== 1) throw new TypeError(`${directory} has another format`);
  return { ...bundle, manifest };
}

export interface BundleCopy {
  directory: string;
  manifestPath: string;
  /** Path of one of the files that the manifest names. */
  pathOf(role: Role): string;
  /** Rewrites the manifest after `change`, which may break every rule but the checksum. */
  editManifest(change: (manifest: Manifest) => void): void;
  /** Writes the manifest and its checksum. */
  writeManifest(text: string): void;
  /** Writes a file and enters its size and hash, so that only its content is wrong. */
  replace(role: Role, bytes: Uint8Array, name?: string): void;
}

/** A new directory below the system's own, which `dispose` removes. */
export function temporaryDirectory(): { path: string; make(name: string): string; dispose(): void } {
  const path = mkdtempSync(join(tmpdir(), 'show-and-tell-test-'));
  return {
    path,
    /** A directory in it; its path. */
    make: (name) => {
      const directory = join(path, name);
      mkdirSync(directory);
      return directory;
    },
    dispose: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Copies the default bundle into `directory`, which exists. */
export function copyBundle(directory: string): BundleCopy {
  cpSync(DEFAULT_BUNDLE, directory, { recursive: true });
  const manifestPath = join(directory, 'manifest.json');
  const read = (): Manifest => JSON.parse(readFileSync(manifestPath, 'utf8'));
  const writeManifest = (text: string) => {
    writeFileSync(manifestPath, text);
    const hash = createHash('sha256').update(text).digest('hex');
    writeFileSync(`${manifestPath}.sha256`, `${hash}  manifest.json\n`);
  };
  const editManifest: BundleCopy['editManifest'] = (change) => {
    const manifest = read();
    change(manifest);
    writeManifest(JSON.stringify(manifest));
  };
  return {
    directory,
    manifestPath,
    pathOf: (role) => join(directory, read().files[role]!.path),
    editManifest,
    writeManifest,
    replace(role, bytes, name = read().files[role]!.path) {
      writeFileSync(join(directory, name), bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      editManifest((manifest) => {
        manifest.files[role] = { path: name, bytes: bytes.length, sha256 };
      });
    },
  };
}

/** Changes one byte in the middle, the size stays. */
export function flipByte(file: string): void {
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = bytes[middle]! ^ 1;
  writeFileSync(file, bytes);
}
