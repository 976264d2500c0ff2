// Captions all photographs below a folder, several at the same time, as lines of JSON. One that cannot be captioned
// does not stop the others, and only those at work are in memory.
//   node folder.ts photos > captions.jsonl

import { glob } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { CaptionError, createPool } from 'show-and-tell';

const [folder = '.'] = process.argv.slice(2);
const workers = availableParallelism();
await using pool = await createPool({ workers });
const files = glob(`${folder}/**/*.{jpg,jpeg,png,webp,avif,gif,tif,tiff}`);

async function work(): Promise<void> {
  for await (const file of files) {
    try {
      const { captions } = await pool.caption(file, { count: 1 });
      console.log(JSON.stringify({ file, caption: captions[0]!.text }));
    } catch (error) {
      // A model that cannot be used stops everything; so does a bug.
      if (!(error instanceof CaptionError) || error.fault !== 'input') throw error;
      console.log(JSON.stringify({ file, error: error.message }));
    }
  }
}

// One more than there are threads, so that none waits for a file to be read.
await Promise.all(Array.from({ length: workers + 1 }, work));
