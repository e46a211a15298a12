/** Where numbers stand that all threads of a pool see. One as soon as nobody waits for anything any more: */
export const stopAt = 0;
/** How many threads have loaded what they run: */
export const loadedAt = 1;
