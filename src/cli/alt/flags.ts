import type { CaptionerFlags } from '../shared/run-images.ts';

export interface AltFlags extends CaptionerFlags {
  json?: boolean;
  csv?: boolean;
  writeXmp?: boolean;
  overwrite?: boolean;
  sidecar?: boolean;
  html?: string[];
  check?: string[];
  root?: string;
}
