/**
 * onnxruntime as part of the package. Its own package downloads 300 MB of CUDA libraries when it is installed on Linux,
 * and fails to install where that is not to be had; no field of a dependent's `package.json` keeps npm 10 and 11 from
 * running that script. What a package bundles, npm takes as it is. The files are those of the maker, without the script
 * and what only that needs.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** `script` installs; `lib` holds sources. */
const LEFT_OUT = /^(script|lib)(\/|$)|\.map$|(^|\/)libonnxruntime_providers_/;

/** Neither package has the text of its licence in it. */
const LICENCE = `MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`;

/** The second one is all that the first one needs to run. */
const PACKAGES = ['onnxruntime-node', 'onnxruntime-common'] as const;

/**
 * @param from a `node_modules` that has both packages
 * @returns names for `bundleDependencies`
 */
export function bundleOnnxruntime(from: string, to: string): string[] {
  for (const name of PACKAGES) {
    const source = join(from, name);
    cpSync(source, join(to, name), {
      recursive: true,
      filter: (path) => !LEFT_OUT.test(relative(source, path).replaceAll('\\', '/')),
    });
    const file = join(to, name, 'package.json');
    const {
      scripts: _scripts,
      devDependencies: _dev,
      dependencies,
      ...kept
    } = JSON.parse(readFileSync(file, 'utf8'));
    const needed = Object.entries(dependencies ?? {}).filter(([other]) => PACKAGES.some((p) => p === other));
    writeFileSync(file, JSON.stringify({ ...kept, dependencies: Object.fromEntries(needed) }, null, 2));
    writeFileSync(join(to, name, 'LICENSE'), LICENCE);
  }
  return [...PACKAGES];
}
