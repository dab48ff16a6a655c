"""`python -m napari_unet`, the same as the script `napari-unet`."""

from napari_unet.cli.app import main

if __name__ == "__main__":
    main()
