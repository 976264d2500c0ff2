/** Texts in image files, and which of them say something about the picture. */

/** A text outside XMP that programs show as description, comment or title. */
export interface FoundText {
  /** Group and tag as ExifTool writes them: `EXIF:ImageDescription`. */
  field: string;
  text: string;
}

/** UTF-8 where it is that, else Latin-1: what readers guess, since hardly any field names its encoding. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** A string of C: what stands behind the first NUL is not read. */
export function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** Whether somebody may have written it: neither what devices and programs fill in, nor their data. */
export function isWords(text: string): boolean {
  return !isFiller(text) && !isData(text);
}

/**
 * What cameras and programs write where nobody wrote anything, as they write it. Collected from the lists of programs that leave
 * it out: gThumb (`useless_comment_filter`), PhotoPrism (`UnwantedDescriptions`, `DCIM\`), iNaturalist (`BRANDED_DESCRIPTIONS`);
 * and from what iOS ("Screenshot"), GIMP, Photoshop, libgd, XV, FFmpeg and LEADTOOLS write themselves.
 */
const FILLERS = new Set(
  [
    'SONY DSC|SAMSUNG|SAMSUNG CAMERA PICTURES|MOULTRIE DIGITAL GAME CAMERA|Exif_JPEG_PICTURE|EXIF_JPEG_PICTURE|DCIM',
    'Default|default|DEFAULT|x-default|Screenshot|AppleMark|binary comment|File written by Adobe Photoshop',
    // Modes of Huawei's and Honor's cameras.
    'rhdr|hdrpl|oznor|oznorWO|frontbhdp|fbt|mon|nor|dav|mde|mde_soft|edf|btf|btfmdn|btfhdr|frem|rpt|burst|sdr_HDRB|cof|qrf',
    'Hisilicon K3',
  ].flatMap((line) => line.split('|')),
);
const FILLER_FORMS: readonly RegExp[] = [
  /^(?:(?:AGFA|BENQ|CANON|CASIO|EPSON|FUJI|FUJIFILM|HP|KODAK|KONICA|KONICA MINOLTA|KYOCERA|LEICA|MINOLTA|NIKON|OLYMPUS|PANASONIC|PENTAX|POLAROID|RICOH|SAMSUNG|SANYO|SIGMA|SONY|TOSHIBA|VIVITAR) )?DIGITAL (?:STILL ?)?CAMERA$/i,
  /^<(?:Digimax|KENOX|Samsung)[^<>]*>$/,
  /^DCIM\\\S*$/,
  // Names that cameras give to files.
  /^(?:_?DSC[FN_]?|_?IMG[P_]?|_MG_|MVI_|PICT|CIMG|SANY|HPIM|DCP_|GOPR|DJI_|SAM_|IMAG|P[\dA-C]\d\d)\d{4,5}(?:\.[A-Za-z]{3,4})?$/,
  /^oplus_\d+$/,
  /^CREATOR: (?:gd-jpeg|XV)\b/,
  // Wikimedia's scaler, and a recompressor of JPEG.
  /^File source: https?:\/\/\S+$/,
  /^cmp\d[\w.]* 0x[\da-f]+$/,
  /^Created (?:with|by) (?:The )?(?:GIMP|Imlib|ImageReady|Paint Shop|AccuSoft)\b/,
  /^(?:Lavc\d|LEAD Technologies|Intel\(R\) JPEG|U-Lead Systems)/,
];
/** Longer ones are not known; the forms look at no more. */
const MAX_FILLER = 100;

/** Blank, without a letter, digit or symbol, zeros alone, or known filler. */
export function isFiller(text: string): boolean {
  if (!/[\p{L}\p{N}\p{So}]/u.test(text)) return true;
  const trimmed = text.trim();
  if (trimmed.length > MAX_FILLER) return false;
  const plain = trimmed.replace(/\s+/g, ' ');
  return FILLERS.has(plain) || /^[0 :]+$/.test(plain) || FILLER_FORMS.some((form) => form.test(plain));
}

/**
 * What programs keep for themselves in such fields: JSON and lists of settings of phones, the metadata of microscopes
 * (OME-XML, ImageJ, Aperio), bytes. It is no description and nothing that may be removed.
 */
export function isData(text: string): boolean {
  const trimmed = text.trim();
  return (
    hasControls(trimmed) ||
    /^(?:<\?xml|<OME\b|ImageJ=|SCIFIO=|Aperio )/.test(trimmed) ||
    (trimmed.startsWith('{') && trimmed.endsWith('}')) ||
    isSettings(trimmed)
  );
}

/** Control characters that no text has. */
function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return true;
  }
  return false;
}

/** `filter: 0; touch: (-1.0, -1.0); sceneMode: 8;` */
function isSettings(text: string): boolean {
  const parts = text.split(';').map((part) => part.trim());
  const settings = parts.filter((part) => part !== '');
  return settings.length >= 3 && settings.every((part) => /^[\w-]+ ?[:=]/.test(part));
}
