@echo off
rem Run by the installer at its end; PREFIX is where everything was installed.
for %%w in ("%PREFIX%\napari_unet_live-*.whl") do (
  "%PREFIX%\python.exe" -m pip install --no-deps --no-index "%%w" || exit /b 1
  del "%%w"
)
rem Without icons the program still starts by its name.
"%PREFIX%\python.exe" -P -m napari_unet shortcut
exit /b 0
