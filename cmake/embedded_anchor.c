/* Keeps the library "embedded" from being empty when no file is embedded yet. */
extern const int embedded_anchor;
const int embedded_anchor = 1;
