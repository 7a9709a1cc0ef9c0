// Package pictures draws the charts of cards as PNG, for platforms that show
// pictures and draw no charts themselves (Slack). A picture is made in memory,
// one at a time, and small: about 15 KB, two or three megabytes while it is made.
//
// Whatever cannot be drawn well (no glyph for a letter, a fault in the library)
// is an error, never a picture with holes: every chart has its equivalent in
// text, and the caller shows that.
package pictures
