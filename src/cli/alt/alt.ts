import { type Command, Option } from 'commander';
import { InvalidRequest } from '../../errors.ts';
import { addDecodingFlags } from '../shared/decoding-flags.ts';
import { addCaptionerFlags } from '../shared/run-images.ts';
import type { AltFlags } from './flags.ts';

const EXAMPLES = `
Texts are at most 125 characters long and never say "image of". They are proposals that somebody
should read: what --min-confidence marks for review is printed but not written.

--write-xmp writes into JPEG, PNG, WebP and TIFF files. A description that somebody wrote stays the one that programs
show, be it in XMP, EXIF, IPTC, a comment or a text of PNG: it is named ("keeps its own IPTC:Caption-Abstract"), and none
is written beside it unless --overwrite is given. What cameras fill in ("OLYMPUS DIGITAL CAMERA") does not count. Pixels
and all other metadata stay byte for byte; only such a filler, or what is overwritten, becomes blank in EXIF and the new
text in IPTC, where programs would show it instead. Raw files of cameras are refused, or described in an .xmp file beside
them (--sidecar). Rewritten files, pages too, keep owner, permissions, access control lists, extended attributes and
times; what cannot, and what has several names (hard links), is refused. What somebody else writes meanwhile stays: the file
is read anew, and refused when that goes on.

--csv puts an apostrophe before text that a spreadsheet would run (=, +, -, @).

--html touches only <img> without alt; alt="" marks decoration and stays. Remote and missing images and such outside
of the page's directory (or --root) are named and left as they are. Of lazy images the picture in data-src, data-srcset
or <noscript> is described; an alt that a template gives (:alt, [alt], {{ }}, <?php ?>) counts as given.

--check reports what axe-core's rules image-alt, input-image-alt, area-alt and role-img-alt object to, as far as the file
tells: roles, ARIA names, hidden elements and inline styles count, style sheets and scripts are not read.

Examples:
  $ show-and-tell alt photo.jpg
  $ show-and-tell alt --csv 'photos/**/*.jpg' > alt.csv
  $ show-and-tell alt --write-xmp holiday/
  $ show-and-tell alt --write-xmp --sidecar DCIM/
  $ show-and-tell alt --html public/index.html public/about.html --root public
  $ show-and-tell alt --check public/

Exit status: 0 done, with --check: every image has a text; 2 wrong usage; 3 some image or page failed; 4 the model is
unusable; 5 --check found images without one; 70 a bug; 74 the output cannot be
written; ended by a signal: 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.`;

export function addAltCommand(program: Command): void {
  const command = program
    .command('alt')
    .description('propose alternative text: print it, write it into images or into web pages')
    .argument('[images...]', 'image files, directories, glob patterns, or - for standard input')
    .option('--json', 'one JSON object a line instead of text')
    .addOption(
      new Option(
        '--csv',
        'a table instead of text: image,alt,probability,caption,confidence,code,message',
      ).conflicts('json'),
    )
    .option('--write-xmp', 'write the text into the images: XMP description and IPTC alternative text')
    .option('--overwrite', 'with --write-xmp: replace descriptions that are there')
    .option('--sidecar', 'with --write-xmp: of raw files (NEF, DNG, CR2, ...) write photo.xmp beside them')
    .option(
      '--html <pages...>',
      'fill in missing alt attributes of local images in pages, or in all below directories',
    )
    .option(
      '--root <dir>',
      'with --html: what / means in a page, and where its images may lie (default: its directory)',
    )
    .option(
      '--check <pages...>',
      'list images without alternative text in pages, or in all below directories',
    );
  addDecodingFlags(addCaptionerFlags(command))
    .addHelpText('after', EXAMPLES)
    .action(async (images: string[], flags: AltFlags) => {
      checkFlags(images, flags);
      process.exitCode = await run(images, flags);
    });
}

async function run(images: string[], flags: AltFlags): Promise<number> {
  // Each way loads the parsers that it needs, and no others.
  if (flags.check) return (await import('./check.ts')).checkPages(flags.check, flags);
  if (flags.html) return (await import('./html.ts')).fillPages(flags.html, flags);
  return (await import('./images.ts')).altImages(images, flags);
}

/** @throws InvalidRequest for flags that contradict each other */
function checkFlags(images: readonly string[], flags: AltFlags): void {
  const { html, check, csv, root, writeXmp, overwrite, sidecar, top } = flags;
  const ways = [images.length > 0, html, check].filter(Boolean).length;
  const wrong: [boolean, string][] = [
    [ways !== 1, 'name images, or pages with --html or --check: one of the three'],
    [csv === true && images.length === 0, '--csv is for images; --html and --check know --json'],
    [root !== undefined && !html, '--root needs --html'],
    [overwrite === true && !writeXmp, '--overwrite needs --write-xmp'],
    [sidecar === true && !writeXmp, '--sidecar needs --write-xmp'],
    [writeXmp === true && images.length === 0, '--write-xmp is for images, not for pages'],
    [writeXmp === true && images.includes('-'), '--write-xmp cannot write into standard input'],
    [top !== undefined, '--top: an image has one alternative text; caption --top prints more'],
  ];
  for (const [is, message] of wrong) if (is) throw new InvalidRequest(message);
}
