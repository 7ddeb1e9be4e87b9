/** How a state is: its icon and its colour follow from it. */
export type Mood = 'good' | 'bad' | 'busy' | 'waiting' | 'idle' | 'leaving';
