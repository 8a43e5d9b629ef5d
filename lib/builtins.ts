/** Modules of Node that are loaded where they are first used: one of them costs a start more than this whole package. */
export const crypto = () => require('node:crypto') as typeof import('node:crypto');
export const fsPromises = () => require('node:fs/promises') as typeof import('node:fs/promises');
export const os = () => require('node:os') as typeof import('node:os');
export const timersPromises = () => require('node:timers/promises') as typeof import('node:timers/promises');
