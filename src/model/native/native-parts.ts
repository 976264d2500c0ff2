/**
 * The packages that have machine code. They are loaded when they are first used, so that whatever needs no image works
 * without them, and what is wrong with them is said as any other failure.
 */
import { createRequire } from 'node:module';
import type * as Onnxruntime from 'onnxruntime-node';
import type Sharp from 'sharp';
import { ModelUnusable } from '../../errors.ts';

const require = createRequire(import.meta.url);

/** @throws ModelUnusable where its machine code is missing, or does not load on this machine */
export const sharp = once('sharp', () => {
  const loaded = require('sharp') as typeof Sharp;
  // libvips has one cache of operations for all threads, and sharp turns it on whenever a thread loads it. Every image is
  // seen once: the cache would only hold memory, the coefficients of the last ten progressive JPEGs for example.
  loaded.cache(false);
  return loaded;
});

/** @throws ModelUnusable, as `sharp` does */
export const onnxruntime = once('onnxruntime-node', () => require('onnxruntime-node') as typeof Onnxruntime);

function once<T>(name: string, load: () => T): () => T {
  let loaded: T | undefined;
  return () => {
    try {
      loaded ??= load();
      return loaded;
    } catch (cause) {
      const libc = libcOf(process.platform);
      throw new ModelUnusable(
        {
          file: name,
          expected: `its machine code for ${process.platform}-${process.arch}${libc && ` (${libc})`}`,
          actual: `none that loads: ${reasonOf(cause)}`,
          remedy: remedyOf(name, cause, libc),
        },
        { cause },
      );
    }
  };
}

/** sharp tells what to do in many lines, the second of which has the system's own words where it has some. */
function reasonOf(cause: unknown): string {
  const [first = '', second = ''] = messageOf(cause).split('\n');
  return (second.startsWith('ERR_') ? second : first).trimEnd().replace(/\.$/, '');
}

/** Platforms that onnxruntime has machine code for, as `process` calls them. */
const ONNXRUNTIME_PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

function remedyOf(name: string, cause: unknown, libc: string): string {
  if (name === 'onnxruntime-node' && !ONNXRUNTIME_PLATFORMS.includes(`${process.platform}-${process.arch}`)) {
    return (
      'onnxruntime has none for it, nor for any Mac with an Intel processor: use the container, or a server elsewhere. ' +
      'What needs no model, such as deploying, works here.'
    );
  }
  if (libc === 'musl') {
    return 'It needs glibc, which Alpine Linux does not have: use a Debian image, such as node:24-slim.';
  }
  const install = 'install again on this machine, optional packages included (npm ci --include=optional)';
  return /cannot open shared object file/.test(messageOf(cause))
    ? `Install the library that is missing (Debian: apt-get install libstdc++6), or ${install}.`
    : `${install[0]!.toUpperCase()}${install.slice(1)}.`;
}

/** Empty where a platform has only one. */
function libcOf(platform: NodeJS.Platform): string {
  if (platform !== 'linux') return '';
  // Or names would be looked up for it.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
