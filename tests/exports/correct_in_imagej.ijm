// Opens LABELS and ROIS, tells what it sees, and saves both again as OUT*: as it drew
// the regions, and with a correction by hand.
given = split(getArgument(), "|");
setBatchMode(true);
open(given[0]);
getDimensions(width, height, channels, slices, frames);
getVoxelSize(x, y, z, unit);
getLut(red, green, blue);
getMinAndMax(low, high);
print(getVersion());
print(bitDepth() + " " + width + " " + height + " " + channels + " " + slices + " " + frames);
print(x + " " + y + " " + z + " " + unit + " " + low + " " + high);
print("" + red[0] + " " + green[0] + " " + blue[0] + " " + red[1] + " " + red[2]);
setPixel(29, 19, 900);
saveAs("Tiff", given[2] + "corrected.tif");

newImage("drawn", "16-bit black", width, height, slices * frames);
if (slices * frames > 1)
  run("Properties...", "channels=1 slices=" + slices + " frames=" + frames);
roiManager("Open", given[1]);
for (i = 0; i < roiManager("count"); i++) {
  roiManager("select", i);
  id = split(Roi.getName, " ");
  run("Set...", "value=" + id[0] + " slice");
}
run("Select None");
saveAs("Tiff", given[2] + "drawn.tif");

roiManager("select", 0);
roiManager("delete");
Stack.setPosition(1, 1, 1);
makeRectangle(12, 10, 5, 4);
Roi.setName("900");
if (slices * frames > 1) Roi.setPosition(1, 1, 1);
roiManager("add");
roiManager("deselect");
roiManager("save", given[2] + "corrected.zip");

roiManager("reset");
setSlice(nSlices);
makeRectangle(12, 10, 5, 4);
roiManager("add");
makeRectangle(2, 1, 5, 4);
roiManager("add");
roiManager("save", given[2] + "added.zip");
